// Makes entries from what this host has: files of other slots, old files that lie aside, entries of the release that have the
// same content, further names of a file. Steps of SlotFiller.

import SystemPackage

extension SlotFiller {
    /// After so many copies the controller's requests are looked at.
    private static let copiesBetweenAnswers = 64

    /// Copies what this host has, and moves what is aside and needed for nothing else.
    func makeCopies(_ answer: () throws -> Void) throws {
        for (number, (entry, location)) in plan.copies.enumerated() {
            if let digest = sources.canMove(location), sources.isIntact(digest), try move(digest, to: entry) {
                copiedFiles += 1
            } else if try !copy(location, to: entry) {
                failedCopies.append(entry)
            }
            if (number + 1) % Self.copiesBetweenAnswers == 0 { try answer() }
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

    /// - Returns: false if the source cannot be read, or is not what it was: then nothing was made.
    private func copy(_ location: ContentLocation, to index: Int) throws(SlotSyncError) -> Bool {
        guard let source = sources.open(location) else { return false }
        defer { try? source.descriptor.close() }
        let entry = slot.target.entries[index]
        guard source.status.size == entry.size else { return false }
        let file = try writer.makeFile(index)
        defer { try? file.close() }
        do {
            try fileCopy.copy(from: source.descriptor, to: file, size: entry.size, isSparse: entry.isSparse)
        } catch {
            guard case .destination(let errno) = error else {
                try writer.remove(index)
                return false
            }
            throw slot.failure("write", index, errno)
        }
        // A source that somebody wrote to meanwhile gave a mixture.
        guard let now = try? source.descriptor.status(), StatTuple(now) == StatTuple(source.status) else {
            try writer.remove(index)
            return false
        }
        try writer.finish(file, index)
        copiedFiles += 1
        slot.progress.add(files: 1, bytes: entry.size)
        return true
    }

    /// Makes entries that have their content from another one. If that one cannot be read, it is of no use to the
    /// release either: it is removed, to come again, and the duplicate is made later.
    ///
    /// - Returns: what was removed, sorted.
    func makeDuplicates() throws(SlotSyncError) -> [Int] {
        var unreadable: Set<Int> = []
        var later: [(entry: Int, of: Int)] = []
        for duplicate in duplicates {
            if !unreadable.contains(duplicate.of) {
                if try copy(.target(entry: duplicate.of), to: duplicate.entry) { continue }
                try writer.remove(duplicate.of)
                unreadable.insert(duplicate.of)
            }
            later.append(duplicate)
        }
        duplicates = later
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
