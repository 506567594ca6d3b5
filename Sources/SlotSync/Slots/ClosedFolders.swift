// Folders of a slot whose modes forbid an agent that is not root to change them, though entries come into them or go. They
// are opened for a stage. SlotFiller does that before anything goes.

import SystemPackage

/// The closed folders of one slot.
struct ClosedFolders {
    let slot: StageSlot
    let ring: Ring
    let actual: SlotContent
    let change: SlotChange
    /// Folders that are not the release's, and were opened.
    private var opened: [Int] = []

    init(slot: StageSlot, ring: Ring, actual: SlotContent, change: SlotChange) {
        (self.slot, self.ring, self.actual, self.change) = (slot, ring, actual, change)
    }

    /// Lets the agent change all that the stage touches. The release's folders get their modes at its end.
    mutating func open() throws(SlotSyncError) {
        let tree = OpenDirectories(root: slot.directory, manifest: actual.manifest)
        let counterparts = change.counterparts(count: actual.manifest.count)
        var goes = [Bool](repeating: false, count: actual.manifest.count)
        var losesEntries = goes
        for index in change.obsolete {
            goes[index] = true
            losesEntries[Int(actual.manifest.entries[index].parent)] = true
        }
        for (index, entry) in actual.manifest.entries.enumerated()
        where entry.kind == .directory && entry.mode & 0o700 != 0o700 && actual.owners[index] == nil {
            let isKept = index > 0 && !goes[index] && counterparts[index] < 0
            if isKept {
                guard losesEntries[index] else { continue }
                opened.append(index)
            }
            try setMode(of: index, to: 0o700, tree)
        }
    }

    /// Gives those that are not the release's the modes that they had, when all is gone that goes.
    func close() throws(SlotSyncError) {
        guard !opened.isEmpty else { return }
        let tree = OpenDirectories(root: slot.directory, manifest: actual.manifest)
        for index in opened.reversed() { try setMode(of: index, to: actual.manifest.entries[index].mode, tree) }
    }

    private func setMode(of index: Int, to mode: UInt16, _ tree: OpenDirectories) throws(SlotSyncError) {
        do {
            if index == 0 { return try ring.slotsDirectory.setMode(of: "\(slot.number)", to: mode) }
            let parent = try tree.parent(of: index)
            try actual.manifest.withName(of: index) { name throws(Errno) in try parent.setMode(of: name, to: mode) }
        } catch { throw slot.failure("set mode of", actual.manifest.path(of: index), error) }
    }
}
