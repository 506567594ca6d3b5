// Copies content of this host into a slot on several threads. Each thread has directories of its own open and makes a run
// of entries after the other; the caller's is one of them, and waits for all. SlotFiller gives it a batch at a time, and
// answers the controller in between.

import Synchronization
import SystemPackage

/// Makes an entry's file from another file. One per thread.
struct EntryCopier {
    let writer: SlotWriter
    private var files = FileCopy()

    /// Below this one look at the source, after it was read, costs less than a copy in vain now and then.
    private static let small: UInt64 = 16 * 1024

    init(_ writer: SlotWriter) {
        self.writer = writer
        // A controller gives up a host that gets no further: what takes long is counted as it is done.
        files.onStep = { [progress = writer.slot.progress] in progress.add(files: 1, bytes: 0) }
    }

    /// Copies what a reader finds.
    ///
    /// - Returns: false if the source cannot be read, or is not what it was: then nothing was made.
    mutating func copy(
        _ location: ContentLocation, of reader: inout SourceReader, to index: Int
    ) throws(SlotSyncError) -> Bool {
        let size = writer.slot.target.entries[index].size
        // What a sealed slot's record vouches for after it was read was no other before.
        if size <= Self.small, reader.known.size(at: location) == size {
            guard let file = try? reader.openUnseen(location) else { return false }
            defer { try? file.close() }
            return try copy(file, to: index) { reader.known.vouches(for: location, file, $0) }
        }
        return try copy(reader.open(location), to: index)
    }

    /// Copies a file that has the content, and closes it.
    ///
    /// - Returns: false if there is none, or it cannot be read or is written to meanwhile: then nothing was made.
    mutating func copy(_ source: SourceFile?, to index: Int) throws(SlotSyncError) -> Bool {
        guard let source else { return false }
        defer { try? source.descriptor.close() }
        guard source.status.size == writer.slot.target.entries[index].size else { return false }
        return try copy(source.descriptor, to: index) { StatTuple($0) == StatTuple(source.status) }
    }

    /// - Parameter isSource: whether a file of this status, which has been read, had the content all the time. One that
    ///   somebody wrote to meanwhile gave a mixture.
    private mutating func copy(
        _ source: FileDescriptor, to index: Int, where isSource: (FileStatus) -> Bool
    ) throws(SlotSyncError) -> Bool {
        let slot = writer.slot
        let entry = slot.target.entries[index]
        let file = try writer.makeFile(index)
        defer { try? file.close() }
        do { try files.copy(from: source, to: file, size: entry.size, isSparse: entry.isSparse) } catch {
            guard case .destination(let errno) = error else {
                try writer.remove(index)
                return false
            }
            throw slot.failure("write", index, errno)
        }
        guard let now = try? source.status(), isSource(now) else {
            try writer.remove(index)
            return false
        }
        try writer.finish(file, index)
        slot.progress.add(files: 1, bytes: entry.size)
        return true
    }
}

/// Makes many entries from other files, on several threads.
struct SlotCopier: Sendable {
    typealias Copy = (entry: Int, from: ContentLocation)

    let slot: StageSlot
    let attributes: NewEntryAttributes
    /// Whose the entries are to be; nil: the agent's own user's.
    let owner: RingOwner?
    let parallelism: Int

    /// A batch ends with so many copies, or so many bytes if there are enough copies to share out: the controller's
    /// requests wait so long.
    private static let copiesPerBatch = 1024
    private static let bytesPerBatch: UInt64 = 64 << 20
    private static let fewestPerBatch = 64
    /// What one thread takes at a time.
    private static let copiesPerRun = 32
    private static let bytesPerRun: UInt64 = 4 << 20
    /// How many directories of a tree a thread keeps open at most.
    private static let mostDirectories = 16

    /// How many of the first copies make a batch.
    func batch(of copies: ArraySlice<Copy>) -> Int {
        var bytes: UInt64 = 0
        var count = 0
        for copy in copies.prefix(Self.copiesPerBatch) {
            bytes = bytes.addingSaturated(slot.target.entries[copy.entry].size)
            count += 1
            if bytes >= Self.bytesPerBatch, count >= Self.fewestPerBatch { break }
        }
        return count
    }

    /// Makes the entries. None may be the source of another.
    ///
    /// - Returns: those whose source cannot be read, or is not what it was, in their order; of these nothing was made.
    /// - Throws: the first error, in the order of the copies.
    func copy(_ copies: ArraySlice<Copy>, knowing known: KnownSources) throws -> [Int] {
        let copies = Array(copies)
        let runs = runs(of: copies)
        let share = ProcessSetup.descriptorLimit / 8 / max(parallelism, 1) / (known.slots.count + 1)
        let most = max(1, min(Self.mostDirectories, share))
        let failure = FirstFailure()
        let failed: [Int] = try ParallelRuns.perform(count: runs.count, parallelism: parallelism) { next, report in
            let tree = OpenDirectories(root: slot.directory, manifest: slot.target, keeping: most)
            var reader = SourceReader(known, tree: tree, keeping: most)
            var copier = EntryCopier(SlotWriter(slot: slot, tree: tree, attributes: attributes, owner: owner))
            while let run = next(), !failure.isBefore(run) {
                do throws(SlotSyncError) {
                    for number in runs[run] where !failure.isBefore(run) {
                        let copy = copies[number]
                        if try !copier.copy(copy.from, of: &reader, to: copy.entry) { report([number]) }
                    }
                } catch { failure.note(error, in: run) }
            }
        }
        if let error = failure.error { throw error }
        return failed.sorted().map { copies[$0].entry }
    }

    private func runs(of copies: [Copy]) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        var (start, bytes) = (0, UInt64(0))
        for (number, copy) in copies.enumerated() {
            bytes = bytes.addingSaturated(slot.target.entries[copy.entry].size)
            guard number + 1 - start >= Self.copiesPerRun || bytes >= Self.bytesPerRun else { continue }
            runs.append(start..<number + 1)
            (start, bytes) = (number + 1, 0)
        }
        if start < copies.count { runs.append(start..<copies.count) }
        return runs
    }

    /// The error of the first run that has one. Those before it are made to their end: one of them might have an earlier one.
    private final class FirstFailure: Sendable {
        private let first = Mutex<(run: Int, error: SlotSyncError)?>(nil)

        func note(_ error: SlotSyncError, in run: Int) {
            first.withLock { first in
                if first.map({ run < $0.run }) ?? true { first = (run, error) }
            }
        }

        func isBefore(_ run: Int) -> Bool { first.withLock { $0.map { $0.run < run } ?? false } }

        var error: SlotSyncError? { first.withLock { $0?.error } }
    }
}
