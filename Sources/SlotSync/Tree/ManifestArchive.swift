// Keeps manifests of releases that were staged from this machine, by release ID: with the live release's manifest at
// hand, the next one travels as a difference. The archive only ever helps, and is safe to delete.

import SystemPackage

/// A folder of manifests in the user's cache.
struct ManifestArchive: Sendable {
    /// How many are kept; the oldest go.
    private static let most = 64
    private static let largestFile = 1 << 30

    static let folderName = "manifests"
    static let files = CacheFiles(suffix: "", magic: ManifestFormat.magic, temporarySuffix: ".tmp")

    private let caches: FilePath
    private var folder: FilePath { caches.appending(Self.folderName) }

    init?(in directory: FilePath? = CacheFolder.usual) {
        guard let directory else { return nil }
        caches = directory
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
        let directory = try naming("open", folder.string) { try CacheFolder.open(caches, Self.folderName) }
        let bytes = manifest.encoded()
        if (try? directory.contents(of: id.description, atMost: bytes.count)) == bytes {
            // As young as if it were new.
            return try directory.setModified(of: id.description, to: .now)
        }
        try directory.replaceContents(of: id.description, by: bytes, isShared: true)
        let kept = try Self.files.all(in: directory)
        for old in kept.sorted(by: { $0.status.modified < $1.status.modified }).dropLast(Self.most) {
            try? directory.remove(old.name)
        }
        Self.files.removeAbandoned(in: directory)
    }
}
