// A release's manifest as it goes to hosts: encoded once for all that have the same release live, as a difference from that
// one where the controller knows it, and spooled. Each StageConversation asks for its host's.

@FleetActor
final class SpooledManifests {
    private let manifest: Manifest
    private let spool: Spool
    private let archive: ManifestArchive?
    /// zlib's level; 0: as it is.
    private let level: Int
    /// By the release that they are a difference from.
    private var spooled: [ContentDigest?: (length: Int, range: SpoolRange)] = [:]

    nonisolated init(of manifest: Manifest, in spool: Spool, archive: ManifestArchive?, level: Int) async {
        self.manifest = manifest
        self.spool = spool
        self.archive = archive
        self.level = level
    }

    /// - Parameter live: the release that is live on a host, if that is known.
    /// - Returns: the release that the manifest is a difference from, its bytes inflated, and where its messages stand.
    func manifest(
        against live: ContentDigest?
    ) throws -> (base: ContentDigest?, manifest: (length: Int, range: SpoolRange)) {
        if let live, let known = spooled[live] { return (live, known) }
        let base = live.flatMap { archive?.manifest(of: $0) }
        let key = base == nil ? nil : live
        if let known = spooled[key] { return (key, known) }
        let bytes = manifest.encoded(against: base)
        var message: [UInt8] = []
        var deflater: Deflater? = level > 0 ? Deflater(level: Int32(level)) : nil
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(PatchFrameLimits.usualLength))
            rest = rest.dropFirst(part.count)
            Request.manifest(DeflatedPart(deflating: part, by: &deflater)).encode(into: &message)
        }
        let made = (bytes.count, try spool.append(message))
        spooled[key] = made
        return (key, made)
    }
}
