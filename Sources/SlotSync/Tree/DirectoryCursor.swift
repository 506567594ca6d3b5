// Opens the directories of a manifest one after the other, for work that goes through entries in
// their order: neighbours mostly share a parent, so one open call each is enough. Hashing and the second
// look use one for each thread.

import SystemPackage

/// Goes from directory to directory of one tree.
struct DirectoryCursor {
    private let root: Directory
    /// The last directory handed out, and the one it was opened from, with their entries.
    private var current: (entry: Int, directory: Directory)
    private var parent: (entry: Int, directory: Directory)

    init(root: Directory) {
        self.root = root
        current = (0, root)
        parent = (0, root)
    }

    /// Opens a directory of `manifest`, without following a link at any level.
    mutating func directory(_ entry: Int, of manifest: Manifest) throws(Errno) -> Directory {
        if entry == current.entry { return current.directory }
        if entry == 0 { return root }
        let above = Int(manifest.entries[entry].parent)
        if above == current.entry {
            parent = current
        } else if above != parent.entry {
            parent = (above, try root.openDirectory(beneath: manifest.components(of: above)))
        }
        let opened = parent.directory
        let directory = try manifest.withName(of: entry) { (name) throws(Errno) in try opened.openDirectory(name) }
        current = (entry, directory)
        return directory
    }
}
