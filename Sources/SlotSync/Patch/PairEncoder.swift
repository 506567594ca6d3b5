// Encodes pairs of basis and content: it reads the content from the source, matches it against the basis or its
// signature, and makes frames. It checks that the source still is what the manifest says, so that a release is never
// a mixture.

import Glibc
import SystemPackage

/// One content to be encoded.
struct EncodingJob: Sendable {
    /// What it is made from.
    enum Basis: Sendable {
        case none
        /// What a host said of its basis.
        indirect case signature(Signature)
        /// A content of the cache.
        case kept(ContentDigest)
    }

    var entry: Int
    var basis = Basis.none
}

extension EncodingJob {
    init(entry: Int, signature: Signature?) {
        self.init(entry: entry, basis: signature.map { .signature($0) } ?? .none)
    }
}

/// The files of a release, at their source.
struct ReleaseSource: Sendable {
    let root: Directory
    /// The source's path, for messages.
    let name: String
    let manifest: Manifest

    func openDirectories() -> OpenDirectories { OpenDirectories(root: root, manifest: manifest) }

    func shownPath(of entry: Int) -> String { "\(name)/\(String(decoding: manifest.path(of: entry), as: UTF8.self))" }

    func changed(_ entry: Int) -> SlotSyncError {
        SlotSyncError(
            .sourceChanged,
            "\(quoted(shownPath(of: entry))) changed while it was staged: nothing was made live; stage again when the source holds still"
        )
    }
}

/// zlib's levels, 0 to 9: what is usual, and what is chosen where hosts wait for frames.
struct CompressionLevels: Sendable, Equatable {
    var usual: Int
    var quick: Int

    /// 4 instead of 6 takes half of the time and makes a first release 3 % longer, a changed one less than 1 %.
    static let remote = CompressionLevels(usual: 6, quick: 4)
    static func always(_ level: Int) -> CompressionLevels { CompressionLevels(usual: level, quick: level) }
}

struct PairEncoder: Sendable {
    /// Contents, and kept bases, up to this are encoded in one piece of memory, many to a frame.
    static let longestWhole: UInt64 = 4 << 20
    /// Kept bases up to this are held in memory, one at a time; longer ones are cut into blocks as a host would.
    private static let longestBasis: UInt64 = 32 << 20

    let source: ReleaseSource
    let spool: Spool
    let levels: CompressionLevels
    let parallelism: Int
    /// Bases that are at hand, and where the contents that are read go to be bases later.
    var cache: BasisCache?
    var filling: BasisCacheFilling?
    /// Makes of a frame the message that carries it: the spool holds what goes over the wire, byte for byte.
    let message: @Sendable (DeflatedPart) -> [UInt8]

    private func spool(_ frame: DeflatedPart) throws(SlotSyncError) -> SpoolRange { try spool.append(message(frame)) }

    /// Encodes small contents into frames.
    ///
    /// - Returns: the frames, and the jobs that are in none since their basis is in the cache no longer.
    func encode(_ jobs: [EncodingJob], level: Int) throws -> (ranges: [SpoolRange], withoutBasis: [EncodingJob]) {
        var ranges: [SpoolRange] = []
        var withoutBasis: [EncodingJob] = []
        var builder = FrameBuilder(level: level)
        let directories = source.openDirectories()
        var bases = cache?.reader()
        var instructions: [DeltaInstruction] = []
        let longest = jobs.map { Int(source.manifest.entries[$0.entry].size) }.max() ?? 0
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: longest + 1, alignment: 64)
        defer { buffer.deallocate() }
        for job in jobs {
            guard let encoder = encoder(for: job.basis, &bases) else {
                withoutBasis.append(job)
                continue
            }
            let content = try read(job.entry, from: directories, into: buffer)
            instructions.removeAll(keepingCapacity: true)
            encoder.encode(content, isLast: true, into: &instructions)
            builder.begin(entry: job.entry, usesBasis: encoder.hasBasis)
            try builder.append(instructions, of: content) { frame throws(SlotSyncError) in
                ranges.append(try spool(frame))
            }
            builder.end()
        }
        try builder.flush { frame throws(SlotSyncError) in ranges.append(try spool(frame)) }
        return (ranges, withoutBasis)
    }

    private func read(
        _ entry: Int, from directories: OpenDirectories, into buffer: UnsafeMutableRawBufferPointer
    ) throws -> UnsafeRawBufferPointer {
        let expected = source.manifest.entries[entry]
        guard let file = try? directories.openFile(entry, O_RDONLY | O_NONBLOCK) else { throw source.changed(entry) }
        defer { try? file.close() }
        let count = try naming("read", source.shownPath(of: entry)) {
            try file.readFully(
                at: 0, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(expected.size + 1)]))
        }
        let content = UnsafeRawBufferPointer(rebasing: buffer[..<count])
        guard UInt64(count) == expected.size, ContentDigest(of: content) == expected.digest else {
            throw source.changed(entry)
        }
        filling?.add(content, digest: expected.digest)
        return content
    }

    /// Encodes one content that is long, or has a long basis, on several cores; each frame is handed on as soon as it
    /// is spooled.
    ///
    /// - Returns: whether it was encoded; false if its basis is in the cache no longer.
    func encodeLong(_ job: EncodingJob, level: Int, emit: (SpoolRange) -> Void) throws -> Bool {
        var bases = cache?.reader()
        guard let delta = encoder(for: job.basis, &bases) else { return false }
        let expected = source.manifest.entries[job.entry]
        let directories = source.openDirectories()
        guard let file = try? directories.openFile(job.entry, O_RDONLY | O_NONBLOCK) else {
            throw source.changed(job.entry)
        }
        defer { try? file.close() }
        var builder = FrameBuilder(level: level)
        builder.begin(entry: job.entry, usesBasis: delta.hasBasis)
        let encoder = SegmentedEncoder(delta, parallelism: parallelism)
        var input = SequentialInput(file, name: source.name)
        var made: UInt64 = 0
        // One frame is kept back until the digest is known: an entry whose source changed is never completed.
        var last: SpoolRange?
        func spoolAndEmit(_ frame: DeflatedPart) throws(SlotSyncError) {
            let range = try spool(frame)
            if let last { emit(last) }
            last = range
        }
        let result = try encoder.encode(&input, expectedLength: expected.size) {
            instructions, segment throws(SlotSyncError) in
            made += instructions.reduce(0) { $0 + $1.length }
            guard made <= expected.size else { throw source.changed(job.entry) }
            try builder.append(instructions, of: segment, emit: spoolAndEmit)
        }
        builder.end()
        try builder.flush(emit: spoolAndEmit)
        guard result.length == expected.size, result.digest == expected.digest else { throw source.changed(job.entry) }
        if let last { emit(last) }
        return true
    }

    /// What finds a basis in content; nil if the basis is in the cache no longer.
    private func encoder(for basis: EncodingJob.Basis, _ kept: inout BasisCache.Reader?) -> DeltaEncoder? {
        switch basis {
        case .none: return DeltaEncoder()
        case .signature(let signature): return DeltaEncoder(signature)
        case .kept(let digest):
            guard let length = cache?.length(of: digest) else { return nil }
            if length > Self.longestBasis { return kept?.signature(of: digest).map { DeltaEncoder($0) } }
            return kept?.contents(of: digest).map { DeltaEncoder(basis: $0) }
        }
    }
}
