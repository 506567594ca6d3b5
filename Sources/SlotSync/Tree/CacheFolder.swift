// Tells where the controller keeps what makes the next command cheaper: digests of sources, manifests and contents of
// releases. These caches only ever help; they are for their owner alone to read, and safe to delete at any time.

import Glibc
import SystemPackage

enum CacheFolder {
    /// `$XDG_CACHE_HOME/slotsync`, or `~/.cache/slotsync`; nil where there is neither.
    static var usual: FilePath? {
        // The specification has relative paths ignored.
        if let path = getenv("XDG_CACHE_HOME").map({ FilePath(platformString: $0) }), path.isAbsolute {
            return path.appending("slotsync")
        }
        guard let home = getenv("HOME").map({ FilePath(platformString: $0) }), home.isAbsolute else { return nil }
        return home.appending(".cache").appending("slotsync")
    }

    /// Where a folder of caches stands within a source, which must not publish it; nil: elsewhere.
    ///
    /// - Throws: ``SlotSyncError`` with the code `badInput` where it is the source itself.
    static func place(of folder: FilePath, in source: FilePath) throws(SlotSyncError) -> [UInt8]? {
        guard let inside = names(of: folder, in: source) else { return nil }
        guard !inside.isEmpty else {
            throw SlotSyncError(
                .badInput,
                "the cache folder \(quoted(folder.string)) is the source itself: name another by --cache-dir or cache_dir"
            )
        }
        return Array(inside.joined(separator: [UInt8(ascii: "/")]))
    }

    /// Where a file stands within a source, though it may not be there yet; nil: elsewhere.
    static func place(ofFile file: FilePath, in source: FilePath) -> [UInt8]? {
        guard let inside = names(of: file, in: source), !inside.isEmpty else { return nil }
        return Array(inside.joined(separator: [UInt8(ascii: "/")]))
    }

    private static func names(of path: FilePath, in source: FilePath) -> [[UInt8]]? {
        guard let source = resolved(source), let path = resolvedAsFarAsItIs(path), path.starts(with: source) else {
            return nil
        }
        return path.components.dropFirst(source.components.count).map { component in
            component.withPlatformString { Array(String(cString: $0).utf8) }
        }
    }

    /// What is kept for one source is called so: the digest of its path, whatever leads there. Nil: nothing stands there.
    static func name(of source: FilePath) -> String? {
        resolved(source)?.withPlatformString { path in
            ContentDigest(of: UnsafeRawBufferPointer(start: path, count: strlen(path))).description
        }
    }

    /// A path without links and dots; nil where nothing stands there.
    static func resolved(_ path: FilePath) -> FilePath? {
        guard let resolved = path.withPlatformString({ realpath($0, nil) }) else { return nil }
        defer { free(resolved) }
        return FilePath(platformString: resolved)
    }

    /// The same of a folder of which only the first part is there yet.
    private static func resolvedAsFarAsItIs(_ path: FilePath) -> FilePath? {
        if let resolved = resolved(path.isEmpty ? "." : path) { return resolved }
        guard let last = path.lastComponent, let above = resolvedAsFarAsItIs(path.removingLastComponent()) else {
            return nil
        }
        return above.appending(last)
    }

    /// Opens a folder of caches, made if it is missing, with all above it, and marked as one if it holds nothing else.
    ///
    /// - Parameter part: the folder in it that is wanted; nil: itself.
    static func open(_ folder: FilePath, _ part: String? = nil) throws -> Directory {
        try FileDescriptor.checkLinks(of: folder)
        try make(folder)
        let directory = try Directory(named: folder)
        mark(directory)
        guard let part else { return directory }
        try directory.makeDirectoryIfMissing(part, mode: 0o700)
        return try directory.openDirectory(part)
    }

    private static func make(_ folder: FilePath) throws(Errno) {
        do { try makeOne(folder) } catch {
            guard error == .noSuchFileOrDirectory, !folder.components.isEmpty else { throw error }
            try make(folder.removingLastComponent())
            try makeOne(folder)
        }
    }

    private static func makeOne(_ folder: FilePath) throws(Errno) {
        do { try systemCall { folder.withPlatformString { mkdir($0, 0o700) } } } catch {
            // Another command may make it at the same time.
            guard error == .fileExists else { throw error }
        }
    }
}
