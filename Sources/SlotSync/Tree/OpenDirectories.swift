// The directories of a tree whose manifest is known, reached by the numbers of entries. Whoever reads or writes many
// entries in the manifest's order goes through here: the patch's encoder at the source, the planner and the filler in a slot.

import SystemPackage

/// Directories of one tree, opened as they are asked for and kept open for the next entry.
final class OpenDirectories {
    /// How many are kept; then all are let go.
    private static let most = 64

    let root: Directory
    let manifest: Manifest
    private var open: [UInt32: Directory] = [:]

    init(root: Directory, manifest: Manifest) {
        self.root = root
        self.manifest = manifest
    }

    func directory(_ index: UInt32) throws(Errno) -> Directory {
        if index == 0 { return root }
        if let found = open[index] { return found }
        if open.count >= Self.most { open.removeAll(keepingCapacity: true) }
        let directory = try root.openDirectory(beneath: manifest.components(of: Int(index)))
        open[index] = directory
        return directory
    }

    /// The directory that holds an entry.
    func parent(of index: Int) throws(Errno) -> Directory { try directory(manifest.entries[index].parent) }

    func status(of index: Int) throws(Errno) -> FileStatus {
        let parent = try parent(of: index)
        return try manifest.withName(of: index) { name throws(Errno) in try parent.status(of: name) }
    }

    func openFile(_ index: Int, _ flags: CInt, mode: UInt32 = 0) throws(Errno) -> FileDescriptor {
        let parent = try parent(of: index)
        return try manifest.withName(of: index) { name throws(Errno) in try parent.openFile(name, flags, mode: mode) }
    }
}
