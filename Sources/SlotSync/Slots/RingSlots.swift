// A ring's slots: their folders, what was recorded of them, and whether they could be live. Whoever only looks makes no
// folder; a stage makes one again where somebody removed it.

import Glibc
import SystemPackage

/// Why a slot has nothing that could be live.
package struct SlotLack: Equatable {
    /// What follows the slot's number in a sentence.
    package let what: String
    /// What puts it right, as what to do.
    package let remedy: String
    private let isGone: Bool

    /// All that it had is gone.
    package static func content(at place: String) -> SlotLack {
        SlotLack(what: "has lost all that it had (\(quoted(place)))", remedy: "stage the release again", isGone: true)
    }

    static func other(_ what: String, remedy: String) -> SlotLack {
        SlotLack(what: what, remedy: remedy, isGone: false)
    }

    var liveRemedy: String { isGone ? remedy + " and flip to it" : remedy }
}

extension Ring {
    /// Opens a slot's tree; the folder is made again where somebody removed it.
    func openSlot(_ slot: Int) throws -> Directory {
        if let directory = try slotThere(slot) { return directory }
        return try naming("make slot", "\(path)/slots/\(slot)") {
            try slotsDirectory.makeDirectoryUnmasked("\(slot)", mode: 0o755)
            owner.adopt("\(slot)", in: slotsDirectory)
            return try slotsDirectory.openDirectory("\(slot)")
        }
    }

    /// Opens a slot's tree; nil where somebody removed the folder.
    func slotThere(_ slot: Int) throws(SlotSyncError) -> Directory? {
        do { return try slotsDirectory.openMountedDirectory("\(slot)") } catch {
            if error == .noSuchFileOrDirectory { return nil }
            if error == .permissionDenied {
                let owner = try? slotsDirectory.status(of: "\(slot)").owner
                throw failure(to: "open slot", "\(path)/slots/\(slot)", of: owner, error)
            }
            throw Self.refusal(ofLink: "\(slot)", in: slotsDirectory, path: "\(path)/slots/\(slot)")
                ?? SlotSyncError(.notARing, "cannot open slot \(quoted("\(path)/slots/\(slot)"))", errno: error)
        }
    }

    /// Why a slot has nothing that could be live, which is a folder that is not empty, but for a release that is.
    func lack(of slot: Int) -> SlotLack? {
        let place = "\(path)/slots/\(slot)"
        let folder: Directory
        do throws(Errno) { folder = try slotsDirectory.openMountedDirectory("\(slot)") } catch {
            switch error {
            case .noSuchFileOrDirectory: return .content(at: place)
            case .permissionDenied:
                let status = try? slotsDirectory.status(of: "\(slot)")
                let mode = String(status?.mode ?? 0, radix: 8)
                let whose = userName(of: status?.owner ?? 0)
                return .other(
                    "cannot be looked into (\(quoted(place)), mode \(mode), of \(whose))",
                    remedy: "let the agent, which runs as \(userName(of: geteuid())), read it (chmod u+rwx "
                        + "\(ShellWords.quoted(place)), as \(whose) or root)")
            default:
                if let refusal = Self.refusal(ofLink: "\(slot)", in: slotsDirectory, path: place) {
                    return .other("is no folder", remedy: refusal.message)
                }
                return .other("cannot be opened (\(quoted(place)): \(error))", remedy: "put its folder back")
            }
        }
        guard (try? folder.isEmpty) == true, (try? record(of: slot))?.manifest.count != 1 else { return nil }
        return cover(of: slot) ?? .content(at: place)
    }

    /// What hides a slot; nil: nothing does.
    func cover(of slot: Int) -> SlotLack? {
        guard (try? slotsDirectory.moreStatus(of: "\(slot)"))?.isMountPoint == true else { return nil }
        let place = "\(path)/slots/\(slot)"
        return .other(
            "is hidden by what is mounted on \(quoted(place))",
            remedy: "unmount that (umount \(ShellWords.quoted(place)))")
    }

    /// What something is mounted on in a slot: a bind mount and a single file, too.
    ///
    /// - Parameter sealed: what the slot holds.
    /// - Returns: paths in the slot.
    func mounts(in slot: Int, _ sealed: Manifest) throws -> [[UInt8]] {
        guard let folder = try slotThere(slot) else { return [] }
        if let points = MountTable.points(below: folder) { return points }
        let tree = OpenDirectories(root: folder, manifest: sealed)
        let found = sealed.entries.indices.dropFirst().filter { (try? tree.moreStatus(of: $0))?.isMountPoint == true }
        return found.map { sealed.path(of: $0) }
    }

    /// What to say where the live slot has lost all that it had; nil: it has not.
    var lostLiveWarning: String? {
        guard let live = status.live, handMade == nil, let lack = lack(of: live) else { return nil }
        return "slot \(live), which is live, \(lack.what): go back with `slotsync rollback`, or \(lack.liveRemedy)"
    }

    /// What was in a slot when it was sealed; nil where the record is missing or damaged: then the slot is hashed.
    func record(of slot: Int) throws -> SlotRecord? {
        guard let bytes = try recordBytes(of: slot) else { return nil }
        return try? SlotRecord(decoding: bytes, name: "the record of slot \(slot)")
    }

    /// A slot's record as it is stored; nil where it is missing, or something else stands in its place.
    func recordBytes(of slot: Int) throws -> [UInt8]? {
        guard status[slot].state.isSealed else { return nil }
        do { return try recorded("\(slot)", atMost: SlotRecord.largestFile) } catch let error as SlotSyncError {
            // A link, a socket; a FIFO, a folder, a file of exabytes.
            let isElse = error.errno == .tooManySymbolicLinkLevels || error.errno == .noSuchAddressOrDevice
            guard isElse || error.code == .corrupt else { throw error }
            return nil
        }
    }

    /// A file of the records' folder.
    func recorded(_ name: String, atMost bound: Int) throws -> [UInt8]? {
        try records.contents(of: name, atMost: bound) { try owner.check($0, "\(path)/.slotsync/slots/\(name)") }
    }
}
