// Sets owners, modes, extended attributes and modification times of a slot's entries, in this order. It leaves alone what is right already; what the
// patch does not touch gets its attributes while the patch is still on its way; a directory gets them after its last
// entry did.

import Glibc
import SystemPackage

/// Sets the attributes of the entries of one slot.
final class SlotAttributes {
    private let slot: StageSlot
    private let target: Manifest
    private let actual: SlotContent
    private let kept: [Int32]
    private let tree: OpenDirectories
    private let setsOwner: Bool
    /// Whether what stays may belong to others, and has to be the agent's own as all that it makes.
    private let resetsOwner: Bool
    /// Whose they are to be then; nil: the agent's own user's.
    private let owner: RingOwner?
    /// The group that all entries are to have; nil: whatever the kernel gives them.
    private let group: RingGroup?
    /// Whether entries are to have exactly the release's extended attributes: it has some, or what the slot held had. What a
    /// release without them keeps of the slot's loses them: a capability must not stay behind on a file that lacks it.
    private let setsExtended: Bool
    /// What entries that are made get.
    let new: NewEntryAttributes
    /// Entries of the slot that were changed here: their status is no longer what was seen.
    private(set) var isSet: [Bool]
    /// Directories that entries came into, or went from.
    private var isTouched: [Bool]
    /// Directories with files below that may be made when all else has been.
    private var isPending: [Bool]

    init(
        _ slot: StageSlot, actual: SlotContent, change: SlotChange, tree: OpenDirectories, setsOwner: Bool,
        owner: RingOwner? = nil, group: RingGroup? = nil
    ) {
        self.slot = slot
        target = slot.target
        self.actual = actual
        kept = change.kept
        self.tree = tree
        self.setsOwner = setsOwner
        resetsOwner = actual.manifest.hasOwnership && !setsOwner
        self.owner = owner
        // With owners, the release says the group.
        self.group = setsOwner ? nil : group
        setsExtended = target.hasExtendedAttributes || actual.manifest.hasExtendedAttributes
        new = NewEntryAttributes(slot: slot, setsOwner: setsOwner, group: self.group, setsExtended: setsExtended)
        isTouched = [Bool](repeating: false, count: target.count)
        isPending = isTouched
        isSet = isTouched
        for index in target.entries.indices where kept[index] < 0 {
            let parent = Int(target.entries[index].parent)
            isTouched[parent] = true
            if target.entries[index].kind == .file { markPending(parent) }
        }
        noteRemovals(change)
    }

    private func markPending(_ directory: Int) {
        var directory = directory
        while !isPending[directory] {
            isPending[directory] = true
            directory = Int(target.entries[directory].parent)
        }
    }

    private func noteRemovals(_ change: SlotChange) {
        let counterparts = change.counterparts(count: actual.manifest.count)
        for index in change.obsolete {
            let parent = Int(counterparts[Int(actual.manifest.entries[index].parent)])
            if parent >= 0 { isTouched[parent] = true }
        }
        for path in actual.specials {
            let components = path.split(separator: UInt8(ascii: "/")).dropLast()
            if let parent = target.entry(at: components) { isTouched[parent] = true }
        }
    }

    // MARK: One entry

    /// Gives a file that was moved here, whoever made it, its owner, mode, extended attributes and time.
    func finishMoved(_ index: Int) throws(SlotSyncError) {
        let entry = target.entries[index]
        try withParent(of: index, "write") { (name, parent) throws(Errno) in
            if setsOwner { try parent.setOwner(of: name, to: entry.owner, group: entry.group) }
            if resetsOwner || owner != nil { try resetOwner(name, in: parent) }
            try new.giveGroup(name, in: parent)
            if !setsExtended { try parent.setMode(of: name, to: entry.mode) }
        }
        if setsExtended { try setModeAndExtended(index) }
        try withParent(of: index, "write") { (name, parent) throws(Errno) in
            try parent.setModified(of: name, to: entry.modified)
        }
    }

    private func withParent(
        of index: Int, _ what: String, _ step: (UnsafePointer<CChar>, Directory) throws(Errno) -> Void
    ) throws(SlotSyncError) {
        try slot.attempt(what, index) { () throws(Errno) in
            let parent = try tree.parent(of: index)
            try target.withName(of: index) { (name) throws(Errno) in try step(name, parent) }
        }
    }

    private var usualGroup: UInt32 { group.map { $0.canBeSet ? $0.id : getegid() } ?? getegid() }

    private func resetOwner(_ name: UnsafePointer<CChar>, in parent: Directory) throws(Errno) {
        if let owner { return try owner.take(name, in: parent) }
        try parent.setOwner(of: name, to: geteuid(), group: usualGroup)
    }

    private func groupDiffers(_ index: Int) -> Bool {
        guard let group, group.canBeSet else { return false }
        return kept[index] < 0 || actual.otherGroup.contains(Int(kept[index]))
    }

    // MARK: Extended attributes

    /// Sets mode and extended attributes of a file that stands in the slot.
    private func setModeAndExtended(_ index: Int) throws(SlotSyncError) {
        let opened: FileDescriptor
        do throws(Errno) {
            let parent = try tree.parent(of: index)
            opened = try target.withName(of: index) { (name) throws(Errno) in
                do throws(Errno) { return try parent.openFile(name, O_RDONLY | O_NONBLOCK) } catch {
                    guard error == .permissionDenied else { throw error }
                    // The agent's own, which it may not read.
                    try parent.setMode(of: name, to: 0o600)
                    return try parent.openFile(name, O_RDONLY | O_NONBLOCK)
                }
            }
        } catch { throw slot.failure("open", index, error) }
        defer { try? opened.close() }
        try new.setModeAndExtended(opened, index)
    }

    /// - Parameter changesOwner: whether owner or group are set, which takes capabilities away.
    private func extendedDiffer(_ index: Int, changesOwner: Bool) -> Bool {
        guard setsExtended, kept[index] >= 0 else { return setsExtended }
        let wanted = target.extendedAttributes[index]
        if changesOwner, !wanted.isEmpty { return true }
        let found = Int(kept[index])
        return actual.unknownAttributes.contains(found)
            || !wanted.isMet(by: actual.manifest.extendedAttributes[found])
    }

    // MARK: The whole tree

    /// Takes from folders that stay what the release's do not allow others, before anything comes into them: no content can
    /// be reached at any instant by who may not reach it in the end.
    func closeFolders() throws(SlotSyncError) {
        for index in target.entries.indices
        where target.entries[index].kind == .directory && kept[index] >= 0 && !isAnothers(index) {
            let (wanted, found) = (target.entries[index].mode, actual.manifest.entries[Int(kept[index])].mode)
            guard found & ~wanted & 0o7077 != 0 else { continue }
            do { try open(index).descriptor.setMode(found & wanted | 0o700) } catch { throw failure(index, error) }
        }
    }

    /// Sets what differs in files and links that stay, and in directories below which no file is made any more.
    ///
    /// - Parameter answer: called now and then, so that a waiting controller can be answered.
    /// - Returns: entries that somebody wrote to meanwhile: nothing was set in them, and their folders are left for the end.
    func settle(_ answer: () throws -> Void) throws -> [Int] {
        var changed: [Int] = []
        for (number, index) in directoriesFromInside().enumerated() {
            slot.progress.add(files: 1, bytes: 0)
            let found = try finishKept(in: index)
            if !found.isEmpty {
                changed += found
                isTouched[index] = true
                markPending(index)
            }
            if !isPending[index] { try finishDirectory(index) }
            if number % 256 == 255 { try answer() }
        }
        return changed
    }

    /// Sets those of the directories that are left. Nothing may come into the slot, or go, from then on.
    func finish() throws(SlotSyncError) {
        for index in directoriesFromInside() where isPending[index] { try finishDirectory(index) }
    }

    /// Those within before those around them: the mode of an outer one may forbid to come in again.
    private func directoriesFromInside() -> some Sequence<Int> {
        target.entries.indices.lazy.reversed().filter { [target] in target.entries[$0].kind == .directory }
    }

    private func finishKept(in directory: Int) throws(SlotSyncError) -> [Int] {
        var changed: [Int] = []
        for index in target.children(of: directory) where kept[index] >= 0 {
            let (wanted, found) = (target.entries[index], actual.manifest.entries[Int(kept[index])])
            guard wanted.kind != .directory else { continue }
            let ownerDiffers = ownerDiffers(wanted, found)
            // Changing the owner takes setuid and setgid away.
            let groupDiffers = groupDiffers(index)
            let modeDiffers =
                wanted.kind == .file && (wanted.mode != found.mode || ownerDiffers || resetsOwner || groupDiffers)
            let changesOwner = ownerDiffers || resetsOwner || groupDiffers
            let extendedDiffer = wanted.kind == .file && extendedDiffer(index, changesOwner: changesOwner)
            guard modeDiffers || changesOwner || extendedDiffer || wanted.modified != found.modified else { continue }
            do {
                let parent = try open(directory)
                // The time that is set would hide a write.
                isSet[index] = target.withName(of: index) { name in
                    actual.isUnchanged(Int(kept[index]), name, in: parent, slot.progress)
                }
                guard isSet[index] else {
                    changed.append(index)
                    continue
                }
                try target.withName(of: index) { name throws(Errno) in
                    // The new owner and group are not to have the old mode.
                    if changesOwner, wanted.kind == .file, found.mode & ~wanted.mode != 0 {
                        try parent.setMode(of: name, to: found.mode & wanted.mode)
                    }
                    if ownerDiffers { try parent.setOwner(of: name, to: wanted.owner, group: wanted.group) }
                    if resetsOwner { try resetOwner(name, in: parent) }
                    if groupDiffers { try new.giveGroup(name, in: parent) }
                    if modeDiffers, !extendedDiffer { try parent.setMode(of: name, to: wanted.mode) }
                }
            } catch { throw failure(index, error) }
            if extendedDiffer { try setModeAndExtended(index) }
            do {
                let parent = try open(directory)
                try target.withName(of: index) { name throws(Errno) in
                    try parent.setModified(of: name, to: wanted.modified)
                }
            } catch { throw failure(index, error) }
        }
        return changed
    }

    private func finishDirectory(_ index: Int) throws(SlotSyncError) {
        let wanted = target.entries[index]
        var (ownerDiffers, modeDiffers, timeDiffers) = (setsOwner, true, true)
        if kept[index] >= 0 {
            let found = actual.manifest.entries[Int(kept[index])]
            ownerDiffers = self.ownerDiffers(wanted, found)
            // The filler opened up what forbade it to write.
            modeDiffers =
                wanted.mode != found.mode || ownerDiffers || resetsOwner || groupDiffers(index)
                || (found.mode & 0o700 != 0o700 && !isAnothers(index))
            timeDiffers = isTouched[index] || wanted.modified != found.modified
        }
        let groupDiffers = groupDiffers(index)
        let changesOwner = ownerDiffers || resetsOwner || groupDiffers
        // The mode of a folder that was opened up has its access list changed.
        let extendedDiffer =
            extendedDiffer(index, changesOwner: changesOwner)
            || (setsExtended && modeDiffers && !target.extendedAttributes[index].isEmpty)
        guard changesOwner || modeDiffers || timeDiffers || extendedDiffer else { return }
        let directory: Directory
        do {
            directory = try open(index)
            let folder = directory.descriptor
            if ownerDiffers { try folder.setOwner(wanted.owner, group: wanted.group) }
            if resetsOwner {
                if let owner { try owner.take(folder) } else { try folder.setOwner(geteuid(), group: usualGroup) }
            }
            if groupDiffers, let group { try folder.setOwner(unchangedOwner, group: group.id) }
            if modeDiffers, !extendedDiffer { try folder.setMode(wanted.mode) }
        } catch { throw failure(index, error) }
        if extendedDiffer { try new.setModeAndExtended(directory.descriptor, index) }
        guard timeDiffers else { return }
        do { try directory.descriptor.setModified(wanted.modified) } catch {
            // A folder of another user that may be written keeps the time that the kernel gave it: the record has it.
            if error == .notPermitted, isAnothers(index), !modeDiffers { return }
            throw failure(index, error)
        }
    }

    private func isAnothers(_ index: Int) -> Bool { kept[index] >= 0 && actual.owners[Int(kept[index])] != nil }

    private func failure(_ index: Int, _ error: Errno) -> SlotSyncError {
        slot.failure("set mode and time of", index, error)
    }

    private func open(_ directory: Int) throws(Errno) -> Directory {
        try tree.directory(UInt32(directory), isKept: isPending[directory])
    }

    private func ownerDiffers(_ wanted: Entry, _ found: Entry) -> Bool {
        setsOwner && (!actual.manifest.hasOwnership || wanted.owner != found.owner || wanted.group != found.group)
    }
}
