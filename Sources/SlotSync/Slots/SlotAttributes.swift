// Sets owners, modes and modification times of a slot's entries. It leaves alone what is right already; what the
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
    /// The group that all entries are to have; nil: whatever the kernel gives them.
    private let group: RingGroup?
    /// Directories that entries came into, or went from.
    private var isTouched: [Bool]
    /// Directories with files below that may be made when all else has been.
    private var isPending: [Bool]

    init(
        _ slot: StageSlot, actual: SlotContent, change: SlotChange, tree: OpenDirectories, setsOwner: Bool,
        group: RingGroup? = nil
    ) {
        self.slot = slot
        target = slot.target
        self.actual = actual
        kept = change.kept
        self.tree = tree
        self.setsOwner = setsOwner
        resetsOwner = actual.manifest.hasOwnership && !setsOwner
        // With owners, the release says the group.
        self.group = setsOwner ? nil : group
        isTouched = [Bool](repeating: false, count: target.count)
        isPending = isTouched
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

    /// Gives a file that has its content its owner, mode and time.
    func finish(_ file: FileDescriptor, _ index: Int) throws(Errno) {
        let entry = target.entries[index]
        if setsOwner { try file.setOwner(entry.owner, group: entry.group) }
        if let group, group.canBeSet { try file.setOwner(unchangedOwner, group: group.id) }
        try file.setMode(entry.mode)
        try file.setModified(entry.modified)
    }

    /// The same for a file that was moved here, whoever made it.
    func finishMoved(_ name: UnsafePointer<CChar>, in parent: Directory, _ index: Int) throws(Errno) {
        let entry = target.entries[index]
        if setsOwner { try parent.setOwner(of: name, to: entry.owner, group: entry.group) }
        if resetsOwner { try parent.setOwner(of: name, to: geteuid(), group: usualGroup) }
        try giveGroup(name, in: parent)
        try parent.setMode(of: name, to: entry.mode)
        try parent.setModified(of: name, to: entry.modified)
    }

    func finishLink(_ name: UnsafePointer<CChar>, in parent: Directory, _ index: Int) throws(Errno) {
        let entry = target.entries[index]
        if setsOwner { try parent.setOwner(of: name, to: entry.owner, group: entry.group) }
        try giveGroup(name, in: parent)
        try parent.setModified(of: name, to: entry.modified)
    }

    private var usualGroup: UInt32 { group.map { $0.canBeSet ? $0.id : getegid() } ?? getegid() }

    private func giveGroup(_ name: UnsafePointer<CChar>, in parent: Directory) throws(Errno) {
        if let group, group.canBeSet { try parent.setOwner(of: name, to: unchangedOwner, group: group.id) }
    }

    private func groupDiffers(_ index: Int) -> Bool {
        guard let group, group.canBeSet else { return false }
        return kept[index] < 0 || actual.otherGroup.contains(Int(kept[index]))
    }

    // MARK: The whole tree

    /// Sets what differs in files and links that stay, and in directories below which no file is made any more.
    ///
    /// - Parameter answer: called now and then, so that a waiting controller can be answered.
    func settle(_ answer: () throws -> Void) throws {
        for (number, index) in directoriesFromInside().enumerated() {
            try finishKept(in: index)
            if !isPending[index] { try finishDirectory(index) }
            if number % 256 == 255 { try answer() }
        }
    }

    /// Sets those of the directories that are left. Nothing may come into the slot, or go, from then on.
    func finish() throws(SlotSyncError) {
        for index in directoriesFromInside() where isPending[index] { try finishDirectory(index) }
    }

    /// Those within before those around them: the mode of an outer one may forbid to come in again.
    private func directoriesFromInside() -> some Sequence<Int> {
        target.entries.indices.lazy.reversed().filter { [target] in target.entries[$0].kind == .directory }
    }

    private func finishKept(in directory: Int) throws(SlotSyncError) {
        for index in target.children(of: directory) where kept[index] >= 0 {
            let (wanted, found) = (target.entries[index], actual.manifest.entries[Int(kept[index])])
            guard wanted.kind != .directory else { continue }
            let ownerDiffers = ownerDiffers(wanted, found)
            // Changing the owner takes setuid and setgid away.
            let groupDiffers = groupDiffers(index)
            let modeDiffers =
                wanted.kind == .file && (wanted.mode != found.mode || ownerDiffers || resetsOwner || groupDiffers)
            guard modeDiffers || ownerDiffers || resetsOwner || groupDiffers || wanted.modified != found.modified else {
                continue
            }
            do {
                let parent = try open(directory)
                try target.withName(of: index) { name throws(Errno) in
                    if ownerDiffers { try parent.setOwner(of: name, to: wanted.owner, group: wanted.group) }
                    if resetsOwner { try parent.setOwner(of: name, to: geteuid(), group: usualGroup) }
                    if groupDiffers { try giveGroup(name, in: parent) }
                    if modeDiffers { try parent.setMode(of: name, to: wanted.mode) }
                    try parent.setModified(of: name, to: wanted.modified)
                }
            } catch { throw failure(index, error) }
        }
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
        guard ownerDiffers || resetsOwner || groupDiffers || modeDiffers || timeDiffers else { return }
        do {
            let folder = try open(index).descriptor
            if ownerDiffers { try folder.setOwner(wanted.owner, group: wanted.group) }
            if resetsOwner { try folder.setOwner(geteuid(), group: usualGroup) }
            if groupDiffers, let group { try folder.setOwner(unchangedOwner, group: group.id) }
            if modeDiffers { try folder.setMode(wanted.mode) }
            if timeDiffers { try folder.setModified(wanted.modified) }
        } catch {
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

/// What chown(2) takes for an owner that stays.
private let unchangedOwner = UInt32.max
