// Keeps directories of a tree open, and finds them by entry numbers of its manifest. Hashing, the second look at a
// source, the encoder, and filling and sealing a slot each walk many entries in order with one. One per thread.

import SystemPackage

/// Directories of one tree, opened as they are asked for and kept open for the next entry.
final class OpenDirectories {
    let root: Directory
    let manifest: Manifest
    /// How many are kept; then the one that was opened first is let go.
    private let most: Int
    private var kept: [UInt32: Directory] = [:]
    private var order: [UInt32] = []
    private var oldest = 0
    /// The one that was asked for last: neighbours mostly share their parent.
    private var last: (entry: UInt32, directory: Directory)
    private var path = EntryPath()

    init(root: Directory, manifest: Manifest, keeping most: Int = 16) {
        self.root = root
        self.manifest = manifest
        self.most = max(most, 1)
        last = (0, root)
    }

    /// - Parameter isKept: whether it is kept longer than until the next one is asked for.
    func directory(_ index: UInt32, isKept: Bool = true) throws(Errno) -> Directory {
        if index == last.entry { return last.directory }
        if index == 0 { return root }
        if let found = kept[index] {
            last = (index, found)
            return found
        }
        let directory = try openAnew(Int(index))
        last = (index, directory)
        if isKept { keep(directory, index) }
        return directory
    }

    private func keep(_ directory: Directory, _ index: UInt32) {
        if order.count < most {
            order.append(index)
        } else {
            kept[order[oldest]] = nil
            order[oldest] = index
            oldest = (oldest + 1) % most
        }
        kept[index] = directory
    }

    private func openAnew(_ index: Int) throws(Errno) -> Directory {
        if path.setDirectory(index, of: manifest) {
            let root = root
            do {
                return try path.withDirectory { (path) throws(Errno) in try root.openDirectory(atPath: path) }
            } catch {
                guard error == .noFunction else { throw error }
            }
        }
        return try root.openDirectory(beneath: manifest.components(of: index))
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
