// `current`: what it is, and how it comes to point at another slot. The links for that lie ready in `.slotsync`, one for
// each slot that is not live, so that a switch needs neither a free inode nor a free block. A new link and the old one
// swap places; the old one is ready for the way back. Ring holds one of these.

import Glibc
import SystemPackage

struct CurrentLink {
    static let name = "current"

    /// What stands at `current`.
    enum Target: Equatable {
        case missing
        /// The link that SlotSync makes.
        case slot(Int)
        /// Another link that leads to a slot of this ring.
        case alias(Int, text: String)
        /// A link to anything else.
        case elsewhere(text: String)
        case folder
        case file

        /// The slot that a web server would serve; nil: none of this ring.
        var slot: Int? {
            switch self {
            case .slot(let slot), .alias(let slot, _): slot
            case .missing, .elsewhere, .folder, .file: nil
            }
        }
    }

    let root: Directory
    let slots: Directory
    let metadata: Directory
    let owner: RingOwner
    let slotCount: Int

    // MARK: Looking

    func target() throws(Errno) -> Target {
        let text: String
        do { text = String(decoding: try root.readLink(Self.name), as: UTF8.self) } catch {
            switch error {
            case .noSuchFileOrDirectory: return .missing
            case .invalidArgument: return try root.status(of: Self.name).kind == .directory ? .folder : .file
            default: throw error
            }
        }
        if let slot = slot(of: text) { return .slot(slot) }
        // It may lead to a slot all the same: an absolute path, or one with a dot in it.
        if let identity = try? FileIdentity(root.followed(Self.name)) {
            for slot in 1...slotCount where (try? slots.status(of: "\(slot)")).map(FileIdentity.init) == identity {
                return .alias(slot, text: text)
            }
        }
        return .elsewhere(text: text)
    }

    private func slot(of text: String) -> Int? {
        guard text.hasPrefix("slots/"), let slot = Int(text.dropFirst(6)), (1...slotCount).contains(slot) else {
            return nil
        }
        return text == "slots/\(slot)" ? slot : nil
    }

    // MARK: Switching

    /// Points `current` at a slot, by one rename, whatever stood there; a file or a folder is moved aside.
    ///
    /// - Returns: the wall clock right after the rename, and what a person should know of it.
    /// - Throws: `Errno`; then `current` is what it was.
    func point(at slot: Int) throws(Errno) -> (moment: Timestamp, warnings: [String]) {
        let before = try target()
        var warnings: [String] = []
        let moment: Timestamp
        do {
            try makeReady(slot)
            moment = try replace(before, by: Self.spare(slot), from: metadata, &warnings)
        } catch {
            // `.slotsync` is full, or cannot be written to: the root itself may do.
            let name = ".\(Self.name).slotsync"
            try? root.remove(name)
            guard (try? make(name, in: root, to: slot)) != nil else { throw error }
            do { moment = try replace(before, by: name, from: root, &warnings) } catch {
                try? root.remove(name)
                throw error
            }
        }
        if case .elsewhere(let text) = before {
            warnings.append("`current` was a link to \(quoted(text)), not one of this ring's; it was replaced")
        }
        do { try root.synchronize() } catch {
            warnings.append("the switch of `current` could not be made durable: \(error)")
        }
        try? metadata.synchronize()
        return (moment, warnings)
    }

    /// Puts a link into the place of `current`.
    private func replace(
        _ before: Target, by link: String, from folder: Directory, _ warnings: inout [String]
    ) throws(Errno) -> Timestamp {
        // Else the new name might be durable before the link is.
        try? folder.synchronize()
        do { try folder.exchange(link, with: Self.name, in: root) } catch {
            // Nothing is there, or this file system cannot swap.
            if before == .folder || before == .file { try moveAside(Self.name, root, &warnings) }
            try folder.rename(link, to: Self.name, in: root)
            let moment = Timestamp.now
            if let slot = before.slot { prepare(for: [slot]) }
            return moment
        }
        let moment = Timestamp.now
        do { try putAway(link, folder, &warnings) } catch  where before == .folder || before == .file {
            warnings.append(
                "what `current` was could not be moved beside it (\(error)); it is \(quoted(link)) in .slotsync")
        } catch {}
        return moment
    }

    /// Takes `current` away.
    func remove() throws(Errno) {
        try root.remove(Self.name)
        try? root.synchronize()
    }

    /// Makes the links to these slots that do not lie ready yet, as far as the disk has room.
    func prepare(for slots: some Sequence<Int>) {
        // Whoever was killed between a switch and the name of the old link left it under the new one's.
        for slot in 1...slotCount {
            guard let text = try? metadata.readLink(Self.spare(slot)),
                let meant = self.slot(of: String(decoding: text, as: UTF8.self)), meant != slot
            else { continue }
            try? metadata.rename(Self.spare(slot), to: Self.spare(meant))
        }
        var isNew = false
        for slot in slots where !isReady(slot) {
            let name = Self.spare(slot)
            try? metadata.remove(name)
            isNew = (try? make(name, in: metadata, to: slot)) != nil || isNew
        }
        if isNew { try? metadata.synchronize() }
    }

    // MARK: Links that lie ready

    private static func spare(_ slot: Int) -> String { "\(name).\(slot)" }

    private func isReady(_ slot: Int) -> Bool {
        (try? metadata.readLink(Self.spare(slot))).map { self.slot(of: String(decoding: $0, as: UTF8.self)) } == slot
    }

    /// Makes the link to a slot where it does not lie ready.
    private func makeReady(_ slot: Int) throws(Errno) {
        if isReady(slot) { return }
        let name = Self.spare(slot)
        try? metadata.remove(name)
        do { try make(name, in: metadata, to: slot) } catch {
            // No inode, perhaps: another link gives up its own.
            for other in 1...slotCount where other != slot && isReady(other) {
                try? metadata.remove(Self.spare(other))
                if (try? make(name, in: metadata, to: slot)) != nil { return }
            }
            throw error
        }
    }

    private func make(_ name: String, in folder: Directory, to slot: Int) throws(Errno) {
        try folder.makeSymbolicLink(name, to: "slots/\(slot)")
        owner.adopt(name, in: folder)
    }

    /// Keeps what `current` was for the way back.
    private func putAway(_ name: String, _ folder: Directory, _ warnings: inout [String]) throws(Errno) {
        guard let text = try? folder.readLink(name) else {
            return try moveAside(name, folder, &warnings)
        }
        if let slot = slot(of: String(decoding: text, as: UTF8.self)) {
            try folder.rename(name, to: Self.spare(slot), in: metadata)
        } else {
            try folder.remove(name)
        }
    }

    /// Moves a file or a folder that somebody put in the place of `current` beside it.
    private func moveAside(_ name: String, _ folder: Directory, _ warnings: inout [String]) throws(Errno) {
        for number in 1... {
            let aside = "\(Self.name).replaced-\(number)"
            if (try? root.status(of: aside)) != nil { continue }
            try folder.rename(name, to: aside, in: root)
            warnings.append("`current` was a file or a folder that SlotSync did not make; it is \(quoted(aside)) now")
            return
        }
    }
}
