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
    /// Where a switch is made whose links cannot lie in `.slotsync`.
    private static let inRoot = ".\(name).slotsync"

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
    /// - Parameter freeInode: gives something up that is worth less than the switch; false: there is nothing.
    /// - Returns: the wall clock right after the rename, and what a person should know of it.
    /// - Throws: `Errno`; then `current` is what it was.
    func point(
        at slot: Int, freeInode: () -> Bool = { false }
    ) throws(Errno) -> (moment: Timestamp, warnings: [String]) {
        var warnings: [String] = []
        var before = try target()
        let moment: Timestamp
        do {
            try makeReady(slot, &warnings, freeInode)
            moment = try replace(before, by: Self.spare(slot), from: metadata, &warnings)
        } catch {
            // `.slotsync` is full, cannot be written to, or is on another mount: the root itself may do.
            before = try target()
            guard (try? clear(Self.inRoot, in: root, &warnings)) != nil,
                (try? make(Self.inRoot, in: root, to: slot)) != nil
            else { throw error }
            do { moment = try replace(before, by: Self.inRoot, from: root, &warnings) } catch {
                try? root.remove(Self.inRoot)
                throw error
            }
        }
        if case .elsewhere(let text) = before { warnings.append(Self.replacing(text)) }
        do { try root.synchronize() } catch {
            warnings.append("the switch of `current` could not be made durable: \(error)")
        }
        try? metadata.synchronize()
        return (moment, warnings)
    }

    /// Puts a link into the place of `current`.
    ///
    /// - Throws: `Errno`; then `current` is what it was.
    private func replace(
        _ before: Target, by link: String, from folder: Directory, _ warnings: inout [String]
    ) throws(Errno) -> Timestamp {
        // Else the new name might be durable before the link is.
        try? folder.synchronize()
        do { try folder.exchange(link, with: Self.name, in: root) } catch {
            // Another mount: no rename leads from there, and nothing has to be moved aside to find that out.
            if error == .improperLink { throw error }
            // Nothing is there, or this file system cannot swap.
            var aside: String?
            if before == .folder || before == .file { aside = try moveAside(Self.name, root, &warnings) }
            do { try folder.rename(link, to: Self.name, in: root) } catch {
                if let aside, (try? root.rename(aside, to: Self.name)) != nil { warnings.removeLast() }
                throw error
            }
            let moment = Timestamp.now
            if let slot = before.slot { warnings += prepare(for: [slot]) }
            return moment
        }
        let moment = Timestamp.now
        do { try putAway(link, folder, &warnings) } catch  where before == .folder || before == .file {
            warnings.append(
                "what `current` was could not be moved beside it (\(error)); it is \(quoted(link)) in .slotsync")
        } catch {}
        return moment
    }

    /// Takes `current` away, unless something stands there that SlotSync did not make.
    ///
    /// - Returns: what a person should know of it.
    func remove() throws(Errno) -> [String] {
        switch try target() {
        case .missing: return []
        case .slot, .alias: try root.remove(Self.name)
        case .elsewhere, .folder, .file:
            return ["`current` is not what SlotSync made, so it stays, though nothing of this ring is live"]
        }
        try? root.synchronize()
        return []
    }

    /// Makes the links to these slots that do not lie ready yet, as far as the disk has room.
    ///
    /// - Returns: what a person should know: what a switch that was cut short left of somebody's own.
    func prepare(for slots: some Sequence<Int>) -> [String] {
        var warnings: [String] = []
        for slot in 1...slotCount {
            let name = Self.spare(slot)
            let text: [UInt8]
            do { text = try metadata.readLink(name) } catch {
                // Killed between a switch and the move of what stood at `current`.
                if error == .invalidArgument { _ = try? moveAside(name, metadata, &warnings) }
                continue
            }
            // Whoever was killed between a switch and the name of the old link left it under the new one's.
            guard let meant = self.slot(of: String(decoding: text, as: UTF8.self)), meant != slot,
                (try? clear(Self.spare(meant), in: metadata, &warnings)) != nil
            else { continue }
            try? metadata.rename(name, to: Self.spare(meant))
        }
        try? clear(Self.inRoot, in: root, &warnings)
        var isNew = false
        for slot in slots where !isReady(slot) {
            let name = Self.spare(slot)
            guard (try? clear(name, in: metadata, &warnings)) != nil else { continue }
            isNew = (try? make(name, in: metadata, to: slot)) != nil || isNew
        }
        if isNew { try? metadata.synchronize() }
        return warnings
    }

    // MARK: Links that lie ready

    private static func spare(_ slot: Int) -> String { "\(name).\(slot)" }

    private func isReady(_ slot: Int) -> Bool {
        (try? metadata.readLink(Self.spare(slot))).map { self.slot(of: String(decoding: $0, as: UTF8.self)) } == slot
    }

    /// Makes the link to a slot where it does not lie ready.
    private func makeReady(_ slot: Int, _ warnings: inout [String], _ freeInode: () -> Bool) throws(Errno) {
        if isReady(slot) { return }
        let name = Self.spare(slot)
        try clear(name, in: metadata, &warnings)
        do { try make(name, in: metadata, to: slot) } catch {
            // No inode, perhaps: another link gives up its own.
            for other in 1...slotCount where other != slot && isReady(other) {
                try? metadata.remove(Self.spare(other))
                if (try? make(name, in: metadata, to: slot)) != nil { return }
            }
            while error == .noSpace || error == .diskQuotaExceeded, freeInode() {
                if (try? make(name, in: metadata, to: slot)) != nil { return }
            }
            throw error
        }
    }

    private func make(_ name: String, in folder: Directory, to slot: Int) throws(Errno) {
        try folder.makeSymbolicLink(name, to: "slots/\(slot)")
        owner.adopt(name, in: folder)
    }

    /// Removes a link of ours, or one that stood at `current` when a switch was cut short. What is no link stood there
    /// as well: it is moved beside `current`.
    private func clear(_ name: String, in folder: Directory, _ warnings: inout [String]) throws(Errno) {
        let text: String
        do { text = String(decoding: try folder.readLink(name), as: UTF8.self) } catch {
            switch error {
            case .noSuchFileOrDirectory: return
            case .invalidArgument: _ = try moveAside(name, folder, &warnings)
            default: throw error
            }
            return
        }
        try folder.remove(name)
        if slot(of: text) == nil { warnings.append(Self.replacing(text)) }
    }

    private static func replacing(_ text: String) -> String {
        "`current` was a link to \(quoted(text)), not one of this ring's; it was replaced"
    }

    /// Keeps what `current` was for the way back.
    private func putAway(_ name: String, _ folder: Directory, _ warnings: inout [String]) throws(Errno) {
        guard let text = try? folder.readLink(name) else {
            _ = try moveAside(name, folder, &warnings)
            return
        }
        guard let slot = slot(of: String(decoding: text, as: UTF8.self)),
            (try? clear(Self.spare(slot), in: metadata, &warnings)) != nil,
            (try? folder.rename(name, to: Self.spare(slot), in: metadata)) != nil
        else { return try folder.remove(name) }
    }

    /// Moves a file or a folder that somebody put in the place of `current` beside it.
    ///
    /// - Returns: its name in the root from then on.
    private func moveAside(
        _ name: String, _ folder: Directory, _ warnings: inout [String]
    ) throws(Errno) -> String {
        var number = 1
        while (try? root.status(of: Self.replaced(number))) != nil { number += 1 }
        let aside = Self.replaced(number)
        try folder.rename(name, to: aside, in: root)
        warnings.append("`current` was a file or a folder that SlotSync did not make; it is \(quoted(aside)) now")
        return aside
    }

    private static func replaced(_ number: Int) -> String { "\(name).replaced-\(number)" }
}
