// Gives what a stage makes its owner, time, mode and extended attributes, in this order. Nothing in it changes, so that each
// thread which makes files has it; SlotAttributes does the same for what stays in a slot.

import Glibc
import SystemPackage

/// What entries that are made in one slot get.
struct NewEntryAttributes: Sendable {
    let slot: StageSlot
    let setsOwner: Bool
    /// The group that all entries are to have; nil: whatever the kernel gives them.
    let group: RingGroup?
    let setsExtended: Bool

    private var target: Manifest { slot.target }

    /// Gives a file that has its content its owner, time, mode and extended attributes.
    func finish(_ file: FileDescriptor, _ index: Int) throws(SlotSyncError) {
        let entry = target.entries[index]
        try slot.attempt("write", index) { () throws(Errno) in
            if setsOwner { try file.setOwner(entry.owner, group: entry.group) }
            if let group, group.canBeSet { try file.setOwner(unchangedOwner, group: group.id) }
            // Before the mode: a file whose mode tells that it is finished has its time, after a power cut, too.
            try file.setModified(entry.modified)
            if !setsExtended { try file.setMode(entry.mode) }
        }
        if setsExtended { try setModeAndExtended(file, index) }
    }

    /// Gives a symbolic link its owner and time.
    func finishLink(_ name: UnsafePointer<CChar>, in parent: Directory, _ index: Int) throws(Errno) {
        let entry = target.entries[index]
        if setsOwner { try parent.setOwner(of: name, to: entry.owner, group: entry.group) }
        try giveGroup(name, in: parent)
        try parent.setModified(of: name, to: entry.modified)
    }

    func giveGroup(_ name: UnsafePointer<CChar>, in parent: Directory) throws(Errno) {
        if let group, group.canBeSet { try parent.setOwner(of: name, to: unchangedOwner, group: group.id) }
    }

    func setModeAndExtended(_ file: FileDescriptor, _ index: Int) throws(SlotSyncError) {
        do { try file.setMode(target.entries[index].mode, attributes: target.extendedAttributes[index]) } catch {
            let path = "\(slot.path)/\(String(decoding: target.path(of: index), as: UTF8.self))"
            throw error.error(at: path)
        }
    }
}

/// What chown(2) takes for an owner that stays.
let unchangedOwner = UInt32.max
