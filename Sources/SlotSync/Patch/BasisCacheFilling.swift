// Adds a stage's release to the cache of bases: the contents that are not kept yet go into one new pack. The encoder
// hands over what it reads anyway; the rest is read once hosts are served. Then packs that nobody uses any more are
// removed. An error here never fails a stage: it is reported once, and the cache stays as it was.

import Glibc
import Synchronization
import SystemPackage

/// The new pack of one stage. Contents may come from several threads.
final class BasisCacheFilling: Sendable {
    /// Longer contents are not kept: the signature of a few thousand blocks is cheap beside them.
    private static let longestContent: UInt64 = 256 << 20
    /// More packs than this make every stage's start slow.
    private static let mostPacks = 256

    private struct State {
        /// Nil before the first content, and when all is done.
        var file: OpenFile?
        var end = UInt64(ContentPack.magic.count)
        /// Where the pack has to end.
        var bound: UInt64
        var records: [ContentPack.Record] = []
        var added: Set<ContentDigest> = []
        var failure: (any Error)?
        /// The pack is complete, or is not wanted any more: nothing is added.
        var isOver = false
    }

    /// The new pack, closed when nobody writes to it any more.
    private final class OpenFile: Sendable {
        let descriptor: FileDescriptor
        init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }
        deinit { try? descriptor.close() }
    }

    private let cache: BasisCache
    private let temporaryName: String
    private let state: Mutex<State>

    init(_ cache: BasisCache) {
        self.cache = cache
        state = Mutex(State(bound: cache.limit))
        temporaryName = "\(getpid())-\(UInt64.random(in: .min ... .max))\(BasisCache.files.temporarySuffix)"
    }

    deinit { cancel() }

    /// Stops as soon as may be. What is not in its place by now is not kept.
    func cancel() {
        state.withLock { state in
            state.isOver = true
            if state.file != nil { try? cache.folder.remove(temporaryName) }
            state.file = nil
        }
    }

    /// Keeps a content, if it is not kept already.
    func add(_ content: UnsafeRawBufferPointer, digest: ContentDigest) {
        guard let (file, offset) = reserve(digest, length: UInt64(content.count)) else { return }
        do {
            try file.descriptor.writeFully(content, at: Int64(offset))
            enter(ContentPack.Record(digest: digest, offset: offset, length: UInt64(content.count)))
        } catch {
            state.withLock { $0.failure = error }
        }
    }

    /// Takes room in the new pack for a content; nil if it is kept already, does not fit, or all is over.
    private func reserve(_ digest: ContentDigest, length: UInt64) -> (OpenFile, UInt64)? {
        guard length > 0, length <= Self.longestContent, cache.length(of: digest) == nil else { return nil }
        return state.withLock { state in
            guard state.failure == nil, !state.isOver, state.records.count < ContentPack.mostRecords / 2,
                length <= state.bound, state.end <= state.bound - length, !state.added.contains(digest)
            else { return nil }
            do {
                let file = try state.file ?? begin()
                if state.file == nil {
                    // From here on `cancel` removes it, also if nothing can be written to it.
                    state.file = file
                    try ContentPack.magic.withUnsafeBytes { try file.descriptor.writeFully($0, at: 0) }
                }
                state.added.insert(digest)
                defer { state.end += length }
                return (file, state.end)
            } catch {
                state.failure = error
                return nil
            }
        }
    }

    private func begin() throws -> OpenFile {
        OpenFile(try cache.folder.openFile(temporaryName, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600))
    }

    private func enter(_ record: ContentPack.Record) { state.withLock { $0.records.append(record) } }

    // MARK: The rest

    /// Adds what is missing of the release, makes room, and puts the pack in its place. Called once.
    ///
    /// - Throws: `SlotSyncError` for what went wrong; the cache is then as it was, or emptier.
    func finish(_ source: ReleaseSource) throws(SlotSyncError) {
        do {
            makeRoom(for: source.manifest)
            try addRest(of: source)
            try close()
        } catch {
            throw SlotSyncError(
                .system,
                "the contents of this release could not be kept in \(quoted(cache.path.string)), so the next stage asks "
                    + "hosts for signatures", errno: error as? Errno)
        }
    }

    /// Removes packs until what is missing fits: first what is damaged, then what holds nothing of this release, the
    /// longest unused first, then what holds the least of it. A pack that is mostly of use stays for as long as it can.
    private func makeRoom(for manifest: Manifest) {
        let (used, damaged) = cache.usage
        var useful = [UInt64](repeating: 0, count: cache.packs.count)
        var missing: UInt64 = 0
        let added = state.withLock { $0.added }
        for entry in manifest.entries where entry.kind == .file && entry.size > 0 {
            if let kept = cache.pack(of: entry.digest) {
                useful[kept.pack] = useful[kept.pack].addingSaturated(kept.length)
            } else if entry.size <= Self.longestContent, !added.contains(entry.digest) {
                missing = missing.addingSaturated(entry.size)
            }
        }
        let now = Timestamp.now
        for (number, pack) in cache.packs.enumerated() where useful[number] > 0 || used.contains(number) {
            try? cache.folder.setModified(of: pack.name, to: now)
        }
        func share(_ number: Int) -> Double { Double(useful[number]) / Double(max(cache.packs[number].size, 1)) }
        // The packs stand in the order of their use.
        var candidates = cache.packs.indices.sorted { (share($0), $1) < (share($1), $0) }
        for number in damaged { remove(number) }
        candidates.removeAll { damaged.contains($0) }
        var sizes = candidates.map { cache.packs[$0].size } + [state.withLock { $0.end }]
        for (position, number) in candidates.enumerated() {
            let tooMany = candidates.count - position >= Self.mostPacks
            let held = sizes[position...].saturatedSum { $0 }
            let isFull = held.addingSaturated(missing) > cache.limit
            guard held > cache.limit || tooMany || (isFull && share(number) < 0.5) else { break }
            remove(number)
            // What it held of this release is added again, from the source.
            cache.giveUp(number)
            missing = missing.addingSaturated(useful[number])
            sizes[position] = 0
        }
        let held = sizes.saturatedSum { $0 }
        state.withLock { $0.bound = $0.end + (cache.limit > held ? cache.limit - held : 0) }
        BasisCache.files.removeAbandoned(in: cache.folder)
    }

    private func addRest(of source: ReleaseSource) throws {
        let directories = source.openDirectories()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { buffer.deallocate() }
        for (index, entry) in source.manifest.entries.enumerated() where entry.kind == .file {
            guard let (file, offset) = reserve(entry.digest, length: entry.size) else {
                if state.withLock({ $0.isOver || $0.failure != nil }) { return }
                continue
            }
            // What changed meanwhile leaves its room in the pack unused.
            guard let content = try? directories.openFile(index, O_RDONLY | O_NONBLOCK) else { continue }
            defer { try? content.close() }
            var hasher = ContentDigest.Hasher()
            var done: UInt64 = 0
            while done < entry.size {
                let count = try content.readFully(
                    at: Int64(done),
                    into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(entry.size - done, 1 << 20))]))
                if count == 0 { break }
                let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
                hasher.update(piece)
                try file.descriptor.writeFully(piece, at: Int64(offset + done))
                done += UInt64(count)
            }
            guard done == entry.size, hasher.digest() == entry.digest else { continue }
            enter(ContentPack.Record(digest: entry.digest, offset: offset, length: entry.size))
        }
    }

    /// Writes the index and gives the pack its name.
    private func close() throws {
        let (file, end, records) = try state.withLock { state in
            if let failure = state.failure { throw failure }
            // Hosts that come late still have contents encoded, which would be written where the index goes.
            defer { state.isOver = true }
            return (state.isOver ? nil : state.file, state.end, state.records)
        }
        guard let file, !records.isEmpty else { return }
        let index = ContentPack.end(records)
        try index.withUnsafeBytes { try file.descriptor.writeFully($0, at: Int64(end)) }
        try state.withLock { state in
            // Cancelled meanwhile, it is gone.
            guard state.file != nil else { return }
            try cache.folder.rename(temporaryName, to: "\(ContentDigest(of: index))\(BasisCache.files.suffix)")
            state.file = nil
        }
    }

    private func remove(_ pack: Int) { try? cache.folder.remove(cache.packs[pack].name) }
}
