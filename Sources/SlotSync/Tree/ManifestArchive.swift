// Keeps manifests of releases that were staged from this machine, by release ID: with the live release's manifest at
// hand, the next one travels as a difference. The archive only ever helps, and is safe to delete.

import SystemPackage

/// A folder of manifests in the user's cache.
struct ManifestArchive: Sendable {
    /// How many are kept; the oldest go.
    private static let most = 64
    private static let largestFile = 1 << 30

    private let folder: FilePath

    init?(in directory: FilePath? = CacheFolder.usual) {
        guard let directory else { return nil }
        folder = directory.appending("manifests")
    }

    /// The manifest of a release; nil if it is not there, or damaged.
    func manifest(of release: ContentDigest) -> Manifest? {
        guard let folder = try? Directory(named: folder),
            let bytes = try? folder.contents(of: release.description, atMost: Self.largestFile)
        else { return nil }
        var reader = ByteReader(bytes, name: "manifest \(release)")
        guard let manifest = try? Manifest(from: &reader), reader.isAtEnd, manifest.id == release else { return nil }
        return manifest
    }

    /// Keeps a manifest, and lets the oldest go.
    func store(_ manifest: Manifest, id: ContentDigest) throws {
        let directory = try naming("open", folder.string) { try CacheFolder.open(folder) }
        try directory.replaceContents(of: id.description, by: manifest.encoded(), isShared: true)
        var kept: [(modified: Timestamp, name: String)] = []
        try directory.forEachName { bytes in
            let name = String(decoding: bytes, as: UTF8.self)
            if let status = try? directory.status(of: name) { kept.append((status.modified, name)) }
        }
        for old in kept.sorted(by: { $0.modified < $1.modified }).dropLast(Self.most) {
            try? directory.remove(old.name)
        }
    }
}
