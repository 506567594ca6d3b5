// A release's manifest as it goes to hosts. It is encoded once for all hosts that have the same release live, as a
// difference from that one where the controller knows it, and spooled. Each StageConversation asks for its host's.

@FleetActor
final class SpooledManifests {
    /// A manifest in the spool.
    struct Spooled: Sendable {
        /// The release that it is a difference from.
        var base: ContentDigest?
        /// Its bytes, inflated.
        var length: Int
        /// Where its messages stand.
        var range: SpoolRange
    }

    private let manifest: Manifest
    private let spool: Spool
    private let archive: ManifestArchive?
    /// zlib's level; 0: as it is.
    private let level: Int
    /// By the release that is live, made or being made.
    private var spooled: [ContentDigest?: Task<Spooled, any Error>] = [:]
    /// One is made after the other: hosts say which releases are live, and each manifest takes memory while it is made.
    private let making = ConcurrencyBound(1)

    init(of manifest: Manifest, in spool: Spool, archive: ManifestArchive?, level: Int) {
        self.manifest = manifest
        self.spool = spool
        self.archive = archive
        self.level = level
    }

    /// - Parameter live: the release that is live on a host, if that is known.
    func manifest(against live: ContentDigest?) async throws -> Spooled {
        if let known = spooled[live] { return try await known.value }
        let task = Task { @FleetActor [making, manifest, spool, archive, level] in
            let made = try await making.withPermit {
                try await onQueue { try Self.make(manifest, against: live, in: spool, archive: archive, level: level) }
            }
            if let made { return made }
            return try await self.manifest(against: nil)
        }
        spooled[live] = task
        do { return try await task.value } catch {
            // The next host tries anew.
            if spooled[live] == task { spooled[live] = nil }
            throw error
        }
    }

    /// - Returns: nil if there is no manifest to make a difference from.
    private nonisolated static func make(
        _ manifest: Manifest, against live: ContentDigest?, in spool: Spool, archive: ManifestArchive?, level: Int
    ) throws -> Spooled? {
        let base = live.flatMap { archive?.manifest(of: $0) }
        if live != nil, base == nil { return nil }
        let bytes = manifest.encoded(against: base)
        var message: [UInt8] = []
        var deflater: Deflater? = level > 0 ? Deflater(level: Int32(level)) : nil
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(PatchFrameLimits.usualLength))
            rest = rest.dropFirst(part.count)
            Request.manifest(DeflatedPart(deflating: part, by: &deflater)).encode(into: &message)
        }
        return Spooled(base: live, length: bytes.count, range: try spool.append(message))
    }
}
