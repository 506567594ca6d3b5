// Which files of a slot have the SHA-256 that the release says, where it says so. What an unchanged record vouches for is not
// read again; all else is, whatever way it came there. SlotFiller asks before a slot can be sealed.

import SystemPackage

/// What is known of a slot's files.
struct SlotSums {
    /// Entries that have not been looked at since they were made, in their order.
    private var open: [Int]

    /// - Parameters:
    ///   - kept: for each entry of the release the entry of `actual` that stays there for it; -1: none.
    ///   - actual: what was found in the slot.
    init(of target: Manifest, keeping kept: [Int32], of actual: SlotContent) {
        guard target.hasSHA256 else {
            open = []
            return
        }
        // A slot whose record has none was looked at without.
        let known = actual.manifest
        open = target.contentEntries.filter { index in
            let old = Int(kept[index])
            return old < 0 || !known.hasSHA256 || known.sha256[old] != target.sha256[index]
        }
    }

    /// Reads what was not read yet.
    ///
    /// - Returns: the entries that are something else, sorted: they will be looked at again.
    mutating func mismatches(of slot: StageSlot, parallelism: Int) throws -> [Int] {
        guard !open.isEmpty else { return [] }
        let (files, target) = (open, slot.target)
        let runs = (files.count + ContentSums.filesPerRun - 1) / ContentSums.filesPerRun
        open = try ParallelRuns.perform(count: runs, parallelism: parallelism) { (next, report) in
            let reader = ContentSums(root: slot.directory, manifest: target)
            while let run = next() {
                let start = run * ContentSums.filesPerRun
                report(
                    try files[start..<min(start + ContentSums.filesPerRun, files.count)].filter { index in
                        do {
                            let sum = try reader.read(index) { slot.progress.add(files: 0, bytes: UInt64($0)) }
                            return sum != target.sha256[index]
                        } catch let error as Errno { throw slot.failure("read", index, error) }
                    })
            }
        }.sorted()
        return open
    }
}
