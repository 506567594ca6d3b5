// Whose a folder is that is named for the cache. One of our own is marked with a tag that backup programs know
// (CACHEDIR.TAG, https://bford.info/cachedir/). Where other things stand, nothing of them is touched, and no tag is set: it
// would leave them out of backups. Stages ask before they use the cache.

import Glibc
import SystemPackage

extension CacheFolder {
    /// Whose a folder is.
    enum Standing: Equatable {
        /// It is missing, empty, marked, or holds nothing but caches.
        case own
        /// Our caches stand beside other things, of which this is one.
        case shared(example: String)
        /// Only other things are there.
        case foreign(example: String)
    }

    private static let tagName = "CACHEDIR.TAG"
    private static let tag = """
        Signature: 8a477f597d28d172789f06886806bc55
        # This folder is a cache of SlotSync's. All of it can be deleted at any time.
        # For information about cache directory tags see https://bford.info/cachedir/

        """

    /// Folders below, and what is in them; and what stands beside these.
    private static let folders = [
        (name: ManifestArchive.folderName, files: ManifestArchive.files),
        (name: AttributeMark.folderName, files: AttributeMark.files),
        (name: CacheFiles.packFolder, files: CacheFiles.packs),
    ]
    /// What a disk or a working copy has at its top, and nobody would miss a cache for.
    private static func isOfNoConcern(_ name: String) -> Bool { name.hasPrefix(".") || name == "lost+found" }

    /// Looks whose `folder` is.
    static func standing(of folder: FilePath) -> Standing {
        guard let directory = try? Directory(path: folder), !isMarked(directory) else { return .own }
        let (hasOwn, other) = contents(of: directory)
        guard let other = other.first(where: { !isOfNoConcern($0) }) else { return .own }
        return hasOwn ? .shared(example: other) : .foreign(example: other)
    }

    /// Marks a folder that holds nothing but caches. One that cannot be marked is as good.
    static func mark(_ directory: Directory) {
        guard (try? directory.status(of: tagName)) == nil, contents(of: directory).other.isEmpty,
            let file = try? directory.openFile(tagName, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        else { return }
        _ = try? file.closeAfter { try file.writeAll(tag.utf8) }
    }

    private static func isMarked(_ directory: Directory) -> Bool {
        let bytes = try? directory.contents(of: tagName, atMost: 4096)
        return bytes?.elementsEqual(tag.utf8) ?? false
    }

    /// Whether some of it is ours, and the names of the rest.
    private static func contents(of directory: Directory) -> (hasOwn: Bool, other: [String]) {
        var hasOwn = false
        var other: [String] = []
        for name in ((try? directory.names()) ?? []).sorted() {
            if let (_, files) = folders.first(where: { $0.name == name }),
                let below = try? directory.openDirectory(name)
            {
                let names = (try? below.names()) ?? []
                let foreign = names.filter { !files.isOwn($0, in: below) }
                if foreign.count < names.count { hasOwn = true }
                if let first = foreign.min() { other.append("\(name)/\(first)") }
            } else if HashCache.files.isOwn(name, in: directory) {
                hasOwn = true
            } else {
                other.append(name)
            }
        }
        return (hasOwn, other)
    }
}
