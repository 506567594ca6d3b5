// A ring's slots: their folders, what was recorded of them, and whether they could be live. Whoever only looks makes no
// folder; a stage makes one again where somebody removed it.

import Glibc
import SystemPackage

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

    /// Whether a slot has anything that could be live: a folder that is not empty, but for a release that is.
    func canBeLive(_ slot: Int) -> Bool {
        guard let folder = (try? slotThere(slot)) ?? nil else { return false }
        guard (try? folder.isEmpty) == true else { return true }
        return (try? record(of: slot))?.manifest.count == 1
    }

    /// What to say where the live slot has lost all that it had; nil: it has not.
    var lostLiveWarning: String? {
        guard let live = status.live, handMade == nil, !canBeLive(live) else { return nil }
        return
            "slot \(live), which is live, has lost all that it had (\(quoted("\(path)/slots/\(live)"))): go back with "
            + "`slotsync rollback`, or stage the release again and flip to it"
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
