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

    /// Opens a folder of caches, made if it is missing, with all above it.
    static func open(_ folder: FilePath) throws(Errno) -> Directory {
        try make(folder)
        return try Directory(path: folder)
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
