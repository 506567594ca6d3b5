// The statuses of a tree's entries, asked for by their paths and without opening a directory: of all ways to look at
// a whole tree the one that costs least. For looking alone: a slot's check and its seal, and whether another slot
// still has a content, of which the descriptor is asked once more when it is opened.
//
// The last name of a path is not followed where it is a link, those before it are: whoever replaces a directory by a
// link while we look makes us see entries of another tree. That leads no byte anywhere, since nothing is written or
// read by these paths, and it hides nothing that a descriptor would show: each directory is looked at itself, as an
// entry of its parent, and what is a link there is no directory. Put in place after that look, the link is a change
// after a look, as it could be made after any; it shows in the parent's change time the next time.

import SystemPackage

/// Looks at entries; quick for entries of one directory one after the other.
struct TreeStatuses: ~Copyable {
    private let root: Directory
    private let manifest: Manifest
    private var path = EntryPath()
    /// The directory that `path` stands for.
    private var directory = -1
    /// That directory opened, where its path is too long to be asked by.
    private var opened: Directory?

    init(root: Directory, manifest: Manifest) {
        self.root = root
        self.manifest = manifest
    }

    /// The status of an entry, of a link itself.
    @inline(__always)
    mutating func status(of index: Int) throws(Errno) -> FileStatus {
        if index == 0 { return try root.status() }
        let parent = Int(manifest.entries[index].parent)
        if parent != directory { try enter(parent) }
        if let opened {
            return try manifest.withName(of: index) { (name) throws(Errno) in try opened.status(of: name) }
        }
        let root = root
        return try path.withPath(of: index, in: manifest) { (path) throws(Errno) in try root.status(of: path) }
    }

    private mutating func enter(_ parent: Int) throws(Errno) {
        directory = -1
        opened = nil
        if !path.setDirectory(parent, of: manifest) {
            opened = try root.openDirectory(beneath: manifest.components(of: parent))
        }
        directory = parent
    }

    /// Looks at all of a tree's entries, run by run, on several threads.
    ///
    /// - Parameter body: looks at the entries of one run and says what it found.
    /// - Returns: everything that was found, run by run, in no order.
    /// - Throws: the first error that `body` threw.
    static func look<Found: Sendable>(
        at manifest: Manifest, below root: Directory, parallelism: Int,
        _ body: @Sendable (Range<Int>, inout TreeStatuses) throws -> Found?
    ) throws -> [Found] {
        let runs = (manifest.count + longestRun - 1) / longestRun
        return try ParallelRuns.perform(count: runs, parallelism: parallelism) { next, report in
            var statuses = TreeStatuses(root: root, manifest: manifest)
            while let run = next() {
                let start = run * longestRun
                let found = try body(start..<min(start + longestRun, manifest.count), &statuses)
                if let found { report([found]) }
            }
        }
    }

    /// Entries that one thread takes at a time.
    private static let longestRun = 1024
}
