// Makes entries from what this host has: files of other slots, old files that lie aside, entries of the release that have the
// same content, further names of a file. Steps of SlotFiller.

import SystemPackage

extension SlotFiller {
    /// After so many entries that are made one by one the controller's requests are looked at.
    private static let entriesBetweenAnswers = 64

    /// Copies what this host has, and moves what is aside and needed for nothing else.
    func makeCopies(_ answer: () throws -> Void) throws {
        var others: [SlotCopier.Copy] = []
        var count = 0
        for copy in plan.copies {
            guard case .aside = copy.from else {
                others.append(copy)
                continue
            }
            if let digest = sources.canMove(copy.from), sources.isIntact(digest), try move(digest, to: copy.entry) {
                copiedFiles += 1
            } else if try entryCopier.copy(sources.open(copy.from), to: copy.entry) {
                copiedFiles += 1
            } else {
                failedCopies.append(copy.entry)
            }
            count += 1
            if count % Self.entriesBetweenAnswers == 0 { try answer() }
        }
        try copyAll(others) { failed in
            failedCopies += failed
            try answer()
        }
    }

    /// Copies from where no file is moved from, a batch at a time.
    ///
    /// - Parameter endBatch: takes the entries of a batch whose source was of no use.
    private func copyAll(_ copies: [SlotCopier.Copy], _ endBatch: (_ failed: [Int]) throws -> Void) throws {
        let known = sources.known(of: copies.lazy.map(\.from))
        var rest = copies[...]
        while !rest.isEmpty {
            let batch = rest.prefix(copier.batch(of: rest))
            rest = rest.dropFirst(batch.count)
            let failed: [Int]
            if writer.workshop == nil {
                failed = try copier.copy(batch, knowing: known)
            } else {
                // What is made under one name, and moved from there, is made one after the other.
                failed = try batch.filter { try !entryCopier.copy(sources.open($0.from), to: $0.entry) }.map(\.entry)
            }
            copiedFiles += batch.count - failed.count
            try endBatch(failed)
        }
    }

    /// - Returns: false where it stands on another mount than the slot, and has to be copied.
    private func move(_ digest: ContentDigest, to index: Int) throws(SlotSyncError) -> Bool {
        do {
            let parent = try tree.parent(of: index)
            let isMoved = try slot.target.withName(of: index) { name throws(Errno) in
                do throws(Errno) { try sources.move(digest, to: name, in: parent, as: index) } catch {
                    guard error == .improperLink else { throw error }
                    return false
                }
                return true
            }
            guard isMoved else { return false }
        } catch { throw slot.failure("write", index, error) }
        try attributes.finishMoved(index)
        return true
    }

    /// Makes entries that have their content from another one. If that one cannot be read, it is of no use to the
    /// release either: it is removed, to come again, and the duplicate is made later.
    ///
    /// - Returns: what was removed, sorted.
    func makeDuplicates() throws -> [Int] {
        var unreadable: Set<Int> = []
        var later: Set<Int> = []
        try copyAll(duplicates.map { ($0.entry, .target(entry: $0.of)) }) { later.formUnion($0) }
        duplicates.removeAll { !later.contains($0.entry) }
        for duplicate in duplicates where unreadable.insert(duplicate.of).inserted { try writer.remove(duplicate.of) }
        return unreadable.sorted()
    }

    func makeHardLinks() throws(SlotSyncError) {
        let target = slot.target
        guard target.hasHardLinks else { return }
        for index in target.entries.indices where plan.change.kept[index] < 0 || relinked.contains(index) {
            guard let leader = target.linkLeader(of: index), leader != index else { continue }
            slot.progress.add(files: 1, bytes: 0)
            try slot.attempt("link", index) { () throws(Errno) in
                let (parent, source) = (try tree.parent(of: index), try tree.parent(of: leader))
                try target.withName(of: index) { name throws(Errno) in
                    try target.withName(of: leader) { existing throws(Errno) in
                        try parent.makeHardLink(name, to: existing, in: source)
                    }
                }
            }
        }
    }
}
