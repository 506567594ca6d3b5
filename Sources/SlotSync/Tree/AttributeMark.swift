// Remembers that a look at a source found no attributes that its release does not carry: the same release of a source in
// which nothing has changed since is not looked at again. A look costs as much as a fifth of a stage that has nothing to
// do. The mark only ever helps; whatever is wrong with it, the source is looked at.

import SystemPackage

/// Where a source's mark is kept.
struct AttributeMark: Sendable {
    static let folderName = "looked-at"
    static let files = CacheFiles(suffix: "", magic: Array("SSA1".utf8), temporarySuffix: ".tmp")

    private let caches: FilePath
    private let name: String

    /// The mark of the source at `source`; nil if there is no place for caches or no such source.
    init?(source: FilePath, in caches: FilePath?) {
        guard let caches, let name = CacheFolder.name(of: source) else { return nil }
        self.caches = caches
        self.name = name
    }

    /// Whether the source was looked at for this release, and is as it was then.
    ///
    /// - Parameter isSettled: whether nothing in the source has changed since a moment.
    func holds(for release: ContentDigest, where isSettled: (Timestamp) -> Bool) -> Bool {
        guard let folder = try? Directory(named: caches.appending(Self.folderName)),
            let bytes = try? folder.contents(of: name, atMost: 64), let mark = try? Self.decode(bytes)
        else { return false }
        // From the future: the clock has been put back, and change times tell nothing.
        return mark.release == release && mark.moment <= Timestamp.now && isSettled(mark.moment)
    }

    /// Notes that a look that began at `moment` found nothing.
    func set(for release: ContentDigest, at moment: Timestamp) {
        guard let folder = try? CacheFolder.open(caches, Self.folderName) else { return }
        try? folder.replaceContents(of: name, by: Self.encode(release, moment), isShared: true)
        Self.files.removeAbandoned(in: folder)
    }

    // MARK: The file

    static func encode(_ release: ContentDigest, _ moment: Timestamp) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(files.magic)
        writer.append(release)
        writer.append(fixed: moment.seconds)
        writer.append(fixed: moment.nanoseconds)
        return writer.bytes
    }

    static func decode(_ bytes: [UInt8]) throws(SlotSyncError) -> (release: ContentDigest, moment: Timestamp) {
        var reader = ByteReader(bytes, name: "the mark of a source")
        guard Array(try reader.take(files.magic.count)) == files.magic else { throw reader.corrupt("it is none") }
        let mark = (try reader.digest(), Timestamp(seconds: try reader.fixed(), nanoseconds: try reader.fixed()))
        try reader.expectEnd()
        return mark
    }
}
