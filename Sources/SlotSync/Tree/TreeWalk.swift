// Walks a tree: several threads read its directories, then the listings are put together in level order as a
// manifest, whose files have no digests yet. The controller walks a source, an agent the slots of its host. Paths
// play no part: each directory is opened from its parent.

import Dispatch
import Glibc
import SystemPackage

/// What a walk looks at, and how.
struct WalkOptions: Sendable {
    var exclusions = Exclusions()
    /// Notes which of them match anything.
    var exclusionUse: ExclusionUse?
    /// Whether owners and groups belong to the release.
    var ownership = false
    /// Whether hard links belong to the release; otherwise each is a file of its own.
    var hardLinks = false
    /// Whether extended attributes belong to the release. SourceScan reads them, a walk does not.
    var extendedAttributes = false
    /// Whether files get their SHA-256 when they are hashed.
    var sha256 = false
    /// Whether a directory that cannot be read is noted and taken for an empty one, in place of an error.
    var toleratesUnreadable = false
    /// Whether a directory that is deeper than a manifest can tell is noted and taken for an empty one, in place of an error.
    var toleratesDepth = false
    /// How many threads read directories. With 1 it is the caller's alone.
    var parallelism: Int
}

/// A tree as it was found.
struct WalkedTree: Sendable {
    /// The files' digests are zero until `TreeHashing` fills them in.
    var manifest: Manifest
    /// What `manifest.entries` was made from, one for one.
    var statuses: [FileStatus]
    /// FIFOs, sockets and devices, which no release can hold: sorted by path.
    var specials: [(path: [UInt8], kind: String)] = []
    /// Directories that something is mounted on, by path: a root that stays on its mount has them as empty ones.
    var mounts: [[UInt8]] = []
    /// Directories that could not be read, by path: empty ones here.
    var unreadable: [[UInt8]] = []
    /// Directories with more below them than a manifest can tell, by path: empty ones here.
    var deep: [[UInt8]] = []

    /// Whether all that was seen is as it was at a moment. On several file systems, and on those with a clock of their own,
    /// change times do not tell.
    func isSettled(at moment: Timestamp, below root: Directory) -> Bool {
        let device = statuses[0].device
        return root.isStampedByThisClock
            && statuses.allSatisfy { $0.device == device && !$0.changed.isUnsettled(at: moment) }
    }
}

enum TreeWalk {
    /// How often a directory that changes while it is read is read before the walk gives up.
    static let mostTries = 3

    /// Reads the tree below `root`.
    ///
    /// - Parameter name: what the tree is, for messages: "source /srv/build", "slot 3".
    /// - Throws: `SlotSyncError`: `system` for what cannot be read, `sourceChanged` for a directory that
    ///   will not hold still or is gone, `badInput` for a tree that no manifest can hold.
    static func walk(_ root: Directory, name: String, options: WalkOptions) throws -> WalkedTree {
        let walker = Walker(root: root, name: name, options: options)
        walker.start()
        if options.parallelism > 1 {
            WorkerThreads.perform(options.parallelism) { _ in walker.work() }
        } else {
            walker.work()
        }
        let found = try walker.queue.result()
        var tree = try TreeAssembly(
            listings: found.listings, firstFolders: found.firstFolders, name: name, options: options
        ).tree()
        tree.mounts = found.mounts.sorted { $0.lexicographicallyPrecedes($1) }
        tree.unreadable = found.unreadable.sorted { $0.lexicographicallyPrecedes($1) }
        tree.deep = found.deep
        if options.hardLinks { tree.linkHardLinks() }
        return tree
    }
}

/// What one thread of a walk does.
private struct Walker: Sendable {
    let root: Directory
    let name: String
    let options: WalkOptions
    let queue: WalkQueue

    init(root: Directory, name: String, options: WalkOptions) {
        self.root = root
        self.name = name
        self.options = options
        queue = WalkQueue(parallelism: options.parallelism)
    }

    /// Reads the root.
    func start() {
        var workspace = FolderListing.Workspace()
        do { try readRoot(in: &workspace) } catch { queue.fail(located(error, 0)) }
    }

    private func readRoot(in workspace: inout FolderListing.Workspace) throws {
        // A descriptor of its own, since reading moves a descriptor's position.
        let listing = try read(root.duplicate(), folder: 0, status: root.status(), in: &workspace)
        queue.finish(0, level: 0, listing, root)
    }

    func work() {
        var workspace = FolderListing.Workspace()
        while let task = queue.next() {
            do { try perform(task, in: &workspace) } catch { queue.fail(located(error, task.folder)) }
        }
    }

    private func perform(_ task: WalkQueue.Task, in workspace: inout FolderListing.Workspace) throws {
        guard task.level < Manifest.deepestLevel else {
            if options.toleratesDepth {
                queue.noteDeep(at: path(of: task.folder))
                return leaveEmpty(task)
            }
            throw SlotSyncError(.badInput, "\(at(task.folder)) is deeper than \(Manifest.deepestLevel) levels")
        }
        let directory: Directory
        do { directory = try open(task) } catch {
            if error == .improperLink, root.staysOnMount {
                // What is mounted there is none of the tree's.
                queue.noteMount(at: path(of: task.folder))
                return leaveEmpty(task)
            }
            if options.toleratesUnreadable, error.isOfOneFile { return noteUnreadable(task) }
            // Removed or replaced since its parent was read.
            if error.isFromReplacedEntry { throw changed(task.folder) }
            let owner = task.listing.items[task.item].status.owner
            guard error == .permissionDenied, owner != geteuid() else { throw error }
            throw failure(
                to: "read", "\(root.shownPath())/\(String(decoding: path(of: task.folder), as: UTF8.self))", of: owner,
                error)
        }
        let status = task.listing.items[task.item].status
        do {
            let listing = try read(directory, folder: task.folder, status: status, in: &workspace)
            queue.finish(task.folder, level: task.level, listing, directory)
        } catch let error as Errno {
            // It may be listed and yet not entered.
            guard options.toleratesUnreadable, error.isOfOneFile else { throw error }
            noteUnreadable(task)
        }
    }

    private func noteUnreadable(_ task: WalkQueue.Task) {
        queue.noteUnreadable(at: path(of: task.folder))
        leaveEmpty(task)
    }

    private func leaveEmpty(_ task: WalkQueue.Task) {
        let nothing = FolderListing(empty: task.listing.items[task.item].status)
        queue.finish(task.folder, level: task.level, nothing, root)
    }

    private func open(_ task: WalkQueue.Task) throws(Errno) -> Directory {
        guard let parent = task.parent else {
            return try root.openDirectory(beneath: queue.components(of: task.folder))
        }
        return try task.listing.withName(of: task.item) { (name) throws(Errno) in try parent.openDirectory(name) }
    }

    private func read(
        _ directory: Directory, folder: Int, status: FileStatus, in workspace: inout FolderListing.Workspace
    ) throws -> FolderListing {
        let path = options.exclusions.isEmpty ? [] : path(of: folder)
        var status = status
        for _ in 0..<TreeWalk.mostTries {
            let listing = try FolderListing(
                of: directory, status: status, path: path, exclusions: options.exclusions,
                notedBy: options.exclusionUse, in: &workspace)
            if let listing { return listing }
            try directory.rewind()
            status = try directory.status()
        }
        throw changed(folder)
    }

    private func path(of folder: Int) -> [UInt8] {
        Array(queue.components(of: folder).joined(separator: [UInt8(ascii: "/")]))
    }

    private func at(_ folder: Int) -> String {
        folder == 0 ? name : "\(name): the directory \(quoted(String(decoding: path(of: folder), as: UTF8.self)))"
    }

    private func changed(_ folder: Int) -> SlotSyncError {
        SlotSyncError(.sourceChanged, "\(at(folder)) changes while it is read; wait until nobody writes to it")
    }

    private func located(_ error: any Error, _ folder: Int) -> any Error {
        guard let errno = error as? Errno else { return error }
        return SlotSyncError(.system, "\(at(folder)) cannot be read", errno: errno)
    }
}
