// The second look at a tree: after its files were hashed, every entry's status is asked for again and
// held against the walked one. If all are the same, then at the moment when the second look began all
// of the tree was as the manifest says. SourceScan asks where change times alone do not tell.

import SystemPackage

extension TreeWalk {
    /// Compares every entry with what was walked.
    ///
    /// - Parameter name: what the tree is called in errors.
    /// - Returns: the entries that changed or are gone, in their order. New ones show as a change of
    ///   their directory.
    static func changes(since tree: WalkedTree, root: Directory, name: String, parallelism: Int) throws -> [Int] {
        let directories = tree.manifest.entries.indices.filter {
            tree.manifest.entries[$0].kind == .directory && tree.manifest.entries[$0].count > 0
        }
        let look = SecondLook(tree: tree, root: root, name: name, directories: directories)
        var changed = try look.changed(parallelism: parallelism)
        if try look.naming(0, root.status).isChanged(since: tree.statuses[0]) { changed.append(0) }
        return Set(changed).sorted()
    }
}

/// The directories whose children several threads look at.
private struct SecondLook: Sendable {
    let tree: WalkedTree
    let root: Directory
    let name: String
    let directories: [Int]

    private static let directoriesPerRun = 64

    func changed(parallelism: Int) throws -> [Int] {
        let size = Self.directoriesPerRun
        let runs = (directories.count + size - 1) / size
        return try ParallelRuns.perform(count: runs, parallelism: parallelism) { take, report in
            let open = OpenDirectories(root: root, manifest: tree.manifest)
            while let run = take() {
                for directory in directories[run * size..<min((run + 1) * size, directories.count)] {
                    let changed = try changedChildren(of: directory, in: open)
                    if !changed.isEmpty { report(changed) }
                }
            }
        }
    }

    private func changedChildren(of entry: Int, in open: OpenDirectories) throws(SlotSyncError) -> [Int] {
        let directory = try naming(entry) { () throws(Errno) in
            try unlessReplaced { () throws(Errno) in try open.directory(UInt32(entry), isKept: false) }
        }
        guard let directory else { return [entry] }
        var changed: [Int] = []
        for child in tree.manifest.children(of: entry) {
            let isChanged = try naming(child) { () throws(Errno) in
                try unlessReplaced { () throws(Errno) in
                    try tree.manifest.withName(of: child) { (name) throws(Errno) in try directory.status(of: name) }
                }?.isChanged(since: tree.statuses[child]) ?? true
            }
            if isChanged { changed.append(child) }
        }
        return changed
    }

    /// Names the entry that an error is about.
    func naming<T>(_ entry: Int, _ look: () throws(Errno) -> T) throws(SlotSyncError) -> T {
        do { return try look() } catch {
            let path = entry == 0 ? "" : " " + quoted(String(decoding: tree.manifest.path(of: entry), as: UTF8.self))
            throw SlotSyncError(.system, "\(name):\(path) cannot be looked at a second time", errno: error)
        }
    }

    /// - Returns: nil where something else stands there, or nothing.
    private func unlessReplaced<T>(_ look: () throws(Errno) -> T) throws(Errno) -> T? {
        do { return try look() } catch {
            if error.isFromReplacedEntry { return nil }
            throw error
        }
    }
}

extension FileStatus {
    /// Whether content, names, mode or owner may have changed: all of these move the change time.
    func isChanged(since earlier: FileStatus) -> Bool {
        kind != earlier.kind || StatTuple(self) != StatTuple(earlier)
    }
}

extension Errno {
    /// Whether this is what opening something gives that was there a moment ago, but was removed or
    /// replaced by something of another kind.
    var isFromReplacedEntry: Bool {
        self == .noSuchFileOrDirectory || self == .notDirectory || self == .tooManySymbolicLinkLevels
    }
}
