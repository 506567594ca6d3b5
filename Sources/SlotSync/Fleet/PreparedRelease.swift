// Makes of a folder what is staged. The source is scanned, and the links into `shared` are put into its manifest. The
// manifest is kept for later stages, which send theirs as a difference from it.

import SystemPackage

/// A source that was scanned: what is staged.
struct PreparedRelease: Sendable {
    let name: ReleaseName
    let source: ReleaseSource
    /// Whether the source, as it is, was looked at for attributes that this release leaves behind, and has none.
    let isLookedAt: Bool
    let sharedPaths: [[UInt8]]
    let sharedFiles: [[UInt8]]
    /// What the source has at shared paths.
    let seeds: ReleaseSource

    var manifest: Manifest { source.manifest }

    /// Fails at once, before any host is bothered, where there is no folder to read.
    static func checkFolder(_ path: FilePath) throws(SlotSyncError) { _ = try openFolder(path) }

    private static func openFolder(_ path: FilePath) throws(SlotSyncError) -> Directory {
        do { return try Directory(path: path) } catch {
            throw SourceScan.unusable(path, error)
        }
    }

    /// Where a stage of the source has its caches; nil: nowhere.
    ///
    /// - Throws: ``SlotSyncError`` with the code `badInput` where the source itself is named for that.
    static func caches(
        for path: FilePath, options: StageOptions, emit: @Sendable (FleetEvent) -> Void
    ) throws -> FilePath? {
        guard let caches = options.cacheDirectory ?? CacheFolder.usual else { return nil }
        _ = try CacheFolder.place(of: caches, in: path)
        let advice = "give the cache a folder of its own (--cache-dir, cache_dir)"
        switch CacheFolder.standing(of: caches) {
        case .own: return caches
        case .shared(let example):
            emit(
                .sourceWarning(
                    "the cache folder \(quoted(caches.string)) holds other things as well (\(quoted(example))), which stay: "
                        + advice))
            return caches
        case .foreign(let example):
            emit(
                .sourceWarning(
                    "nothing is kept in \(quoted(caches.string)), since it is no cache (it holds \(quoted(example))): "
                        + advice))
            return nil
        }
    }

    /// - Parameter caches: where the caches are; nil: there are none.
    static func prepare(
        _ path: FilePath, options: StageOptions, caches: FilePath?, emit: @escaping @Sendable (FleetEvent) -> Void
    ) throws -> PreparedRelease {
        let shared = try SharedPaths.parse(options.shared + options.sharedFiles)
        var exclusions = options.exclusions
        if let caches, let place = try CacheFolder.place(of: caches, in: path) { exclusions.add(path: place) }
        let use = ExclusionUse(options.exclusions)
        let walk = WalkOptions(
            exclusions: exclusions, exclusionUse: use, ownership: options.ownership, hardLinks: options.hardLinks,
            extendedAttributes: options.extendedAttributes,
            sha256: options.contentDigest == .sha256 || !options.signature.isEmpty || options.signers != nil,
            parallelism: processorCount())
        var tree = try SourceScan.scan(
            path: path, options: walk, cache: HashCache(source: path, in: caches), checksum: options.checksum,
            onProgress: { files, bytes in emit(.scanning(files: UInt64(files), bytes: UInt64(bytes))) },
            onWarning: { emit(.sourceWarning($0)) })
        for text in use?.unused ?? [] {
            let hint = ExclusionUse.hint(
                text, source: CacheFolder.resolved(path)?.string ?? "", manifest: tree.manifest)
            // Most patterns are for what is there at times; those that look like a slip are told at once.
            guard hint != nil || options.dryRun else { continue }
            emit(.sourceWarning("the exclusion \(quoted(text)) matches nothing\(hint.map { ": " + $0 } ?? "")"))
        }
        for special in tree.specials {
            emit(
                .sourceWarning(
                    "\(quoted(String(decoding: special.path, as: UTF8.self))) is a \(special.kind) and is left out"))
        }
        tree.manifest.change(options.modes)
        let root = try openFolder(path)
        var files = Array(shared.suffix(options.sharedFiles.count))
        for path in shared.dropLast(files.count) where root.hasFile(at: path) {
            let entry = tree.manifest.entry(at: path)
            // A file that the release holds is among the seeds. What it excludes, as it mostly does `.env`, is a file all
            // the same, and so is what a link leads to.
            guard entry.map({ tree.manifest.entries[$0].kind == .symbolicLink }) ?? true else { continue }
            files.append(path)
            guard entry == nil else { continue }
            let shown = String(decoding: joined(path), as: UTF8.self)
            emit(
                .sourceWarning(
                    "\(quoted(shown)) is a file that the source excludes, so it is not seeded: put it into `shared` of hosts "
                        + "that lack it (with `--shared-file` this is not told)"))
        }
        for path in shared {
            guard let entry = tree.manifest.entry(at: path), tree.manifest.entries[entry].kind == .symbolicLink else {
                continue
            }
            let shown = quoted(String(decoding: tree.manifest.path(of: entry), as: UTF8.self))
            emit(
                .sourceWarning(
                    "the link that the source has at \(shown) is left out: one to the shared path stands there"))
        }
        if tree.manifest.count == 1 && !options.allowsEmpty {
            throw SlotSyncError(
                .badInput,
                "source \(quoted(path.string)) is empty, and an empty release would empty the site: check the path, "
                    + "or say --allow-empty")
        }
        let manifest = shared.isEmpty ? tree.manifest : tree.manifest.linkingShared(shared).manifest
        let id = manifest.id
        try checkSignature(options, of: manifest, id)
        if let archive = ManifestArchive(in: caches) {
            do { try archive.store(manifest, id: id) } catch {
                emit(.sourceWarning("the manifest could not be kept: \(error)"))
            }
        }
        let own = options.ownFiles.compactMap { CacheFolder.place(ofFile: $0, in: path) }
        for remark in ReleaseSecrets.remarks(on: manifest, below: root) + ReleaseSecrets.remarks(on: manifest, own: own)
        {
            emit(.sourceWarning(remark))
        }
        let isLookedAt =
            AttributeMark(source: path, in: caches)?.holds(for: id) { tree.isSettled(at: $0, below: root) } ?? false
        let name = ReleaseName(id: id, name: options.name)
        emit(.scanned(release: name, files: manifest.entries.count { $0.kind == .file }, bytes: manifest.contentBytes))
        return PreparedRelease(
            name: name, source: ReleaseSource(root: root, name: path.string, manifest: manifest),
            isLookedAt: isLookedAt, sharedPaths: shared.map(joined), sharedFiles: files.map(joined),
            seeds: ReleaseSource(root: root, name: path.string, manifest: tree.manifest.seeds(at: shared)))
    }
}

private func joined(_ path: [ArraySlice<UInt8>]) -> [UInt8] { Array(path.joined(separator: [UInt8(ascii: "/")])) }

extension PreparedRelease {
    /// Better known before any host is bothered. Hosts decide for themselves whose signature counts.
    private static func checkSignature(
        _ options: StageOptions, of manifest: Manifest, _ id: ContentDigest
    ) throws(SlotSyncError) {
        do {
            if let signers = options.signers {
                return try signers.check(options.signature, of: manifest, ReleaseName(id: id, name: options.name))
            }
            guard !options.signature.isEmpty, try !SSHSignature(options.signature).isOf(manifest, name: options.name)
            else { return }
        } catch {
            throw SlotSyncError(.badInput, error.message)
        }
        throw SlotSyncError(
            .badInput,
            "the signature is not of this release, named \(quoted(options.name)): it counts for the same source, options and "
                + "--name alone. Sign it anew with `slotsync sign`")
    }
}

extension Directory {
    /// Whether a file is at a path below, or a link to one.
    fileprivate func hasFile(at path: [ArraySlice<UInt8>]) -> Bool {
        guard let name = path.last, let folder = try? openDirectory(beneath: Array(path.dropLast())) else {
            return false
        }
        return (try? folder.followed(name.map { CChar(bitPattern: $0) } + [0]).kind) == .file
    }
}
