// What the source has at shared paths, as it goes to hosts that lack it: a manifest for all hosts, and files for those
// that ask. Each is read and spooled once, when the first host asks. StageConversation sends them.

@FleetActor
final class SpooledSeeds {
    private let source: ReleaseSource
    private let spool: Spool
    /// zlib's level; 0: as it is.
    private let level: Int
    /// The length of the manifest, inflated, and where its messages stand; nil: nothing is seeded.
    let manifest: (length: Int, range: SpoolRange)?
    private var files: [UInt32: Task<[SpoolRange], any Error>] = [:]

    init(of source: ReleaseSource, in spool: Spool, level: Int) throws {
        self.source = source
        self.spool = spool
        self.level = level
        guard source.manifest.count > 1 else {
            manifest = nil
            return
        }
        let bytes = source.manifest.encoded()
        manifest = (bytes.count, try Self.spool(bytes, in: spool, level: level) { Request.manifest($0) })
    }

    /// Where the messages with a file's content stand.
    ///
    /// - Throws: a violation of the protocol for what is no file with content.
    func file(_ entry: UInt32) async throws -> [SpoolRange] {
        guard Int(entry) < source.manifest.count, source.manifest.entries[Int(entry)].size > 0 else {
            throw SlotSyncError(.protocolViolation, "the agent lacks a seed that there is not")
        }
        if let known = files[entry] { return try await known.value }
        let task = Task { [source, spool, level] in
            try await onQueue { try Self.read(Int(entry), of: source, into: spool, level: level) }
        }
        files[entry] = task
        return try await task.value
    }

    private nonisolated static func read(
        _ entry: Int, of source: ReleaseSource, into spool: Spool, level: Int
    ) throws -> [SpoolRange] {
        let expected = source.manifest.entries[entry]
        guard let file = try? source.openDirectories().openFile(entry, 0) else { throw source.changed(entry) }
        defer { try? file.close() }
        var input = SequentialInput(file, name: source.name)
        var hasher = ContentDigest.Hasher()
        var ranges: [SpoolRange] = []
        var left = expected.size
        while left > 0 {
            // A piece at a time, so that memory does not grow with the file.
            let piece = try input.bytes(Int(min(left, UInt64(PatchFrameLimits.usualLength))))
            piece.withUnsafeBytes { hasher.update($0) }
            left -= UInt64(piece.count)
            ranges.append(try Self.spool(piece, in: spool, level: level) { Request.seed($0) })
        }
        guard hasher.digest() == expected.digest else { throw source.changed(entry) }
        return ranges
    }

    private nonisolated static func spool(
        _ bytes: [UInt8], in spool: Spool, level: Int, _ message: (DeflatedPart) -> Request
    ) throws -> SpoolRange {
        var messages: [UInt8] = []
        var deflater: Deflater? = level > 0 ? Deflater(level: Int32(level)) : nil
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(PatchFrameLimits.usualLength))
            rest = rest.dropFirst(part.count)
            message(DeflatedPart(deflating: part, by: &deflater)).encode(into: &messages)
        }
        return try spool.append(messages)
    }
}
