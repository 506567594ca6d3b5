// Holds the work of a walk that several threads share: directories that wait to be read, and what was read. The
// deepest are handed out first, so that their parents, from which they are opened, are held open for a short time
// only.

import Dispatch
import Synchronization

final class WalkQueue: Sendable {
    /// A directory to be read: item `item` of `listing`, which was read of `parent`.
    struct Task: Sendable {
        /// Directories are numbered in the order of their discovery.
        var folder: Int
        var level: Int
        var listing: FolderListing
        var item: Int
        /// Nil if the directory has to be opened by its path.
        var parent: Directory?
    }

    /// The subdirectories of one directory that nobody has taken yet.
    fileprivate struct Batch {
        var parent: Directory?
        var listing: FolderListing
        var level: Int
        var nextItem = 0
        var nextFolder: Int
        var remaining: Int
    }

    fileprivate struct State {
        var batches: [Batch] = []
        /// For each directory its parent's number, and its index in the parent's listing.
        var positions: [(parent: Int, item: Int)] = []
        var listings: [FolderListing?] = []
        /// The number of the first subdirectory; the others follow in the order of the listing.
        var firstFolders: [Int] = []
        var mounts: [[UInt8]] = []
        var unreadable: [[UInt8]] = []
        var deep: [[UInt8]] = []
        var working = 0
        var waiting = 0
        var failure: (any Error)?
    }

    private let state = Mutex(State())
    /// Nil if there is but one thread, which never waits.
    private let wake: DispatchSemaphore?
    /// How many directories may be held open for their subdirectories' sake.
    private static let mostHeld = 64

    /// Begins with the root, which its caller reads and finishes as folder 0.
    init(parallelism: Int) {
        wake = parallelism > 1 ? DispatchSemaphore(value: 0) : nil
        state.withLock {
            $0.positions.append((0, 0))
            $0.listings.append(nil)
            $0.firstFolders.append(1)
            $0.working = 1
        }
    }

    /// The next directory; waits while others may still find some. Nil when all is read, or after a failure.
    func next() -> Task? {
        while true {
            let (task, isWaiting) = state.withLock { state -> (Task?, Bool) in
                if state.failure != nil { return (nil, false) }
                if let task = state.take() { return (task, false) }
                if state.working > 0 { state.waiting += 1 }
                return (nil, state.working > 0)
            }
            guard isWaiting, let wake else { return task }
            wake.wait()
        }
    }

    /// Hands in what was read of a directory, whose subdirectories are thereby to be read.
    func finish(_ folder: Int, level: Int, _ listing: FolderListing, _ directory: Directory) {
        let subdirectories = listing.items.reduce(0) { $0 + ($1.status.kind == .directory ? 1 : 0) }
        let awakened = state.withLock { state in
            state.listings[folder] = listing
            let first = state.positions.count
            state.firstFolders[folder] = first
            if subdirectories > 0 {
                for (index, item) in listing.items.enumerated() where item.status.kind == .directory {
                    state.positions.append((folder, index))
                }
                state.listings.append(contentsOf: repeatElement(nil, count: subdirectories))
                state.firstFolders.append(contentsOf: repeatElement(0, count: subdirectories))
                let parent = state.batches.count < Self.mostHeld ? directory : nil
                state.batches.append(
                    Batch(
                        parent: parent, listing: listing, level: level + 1, nextFolder: first,
                        remaining: subdirectories))
            }
            state.working -= 1
            return state.wakeable(state.working == 0 && subdirectories == 0 ? nil : subdirectories)
        }
        for _ in 0..<awakened { wake?.signal() }
    }

    /// Ends the walk: every thread's `next()` is nil from now on.
    func fail(_ error: any Error) {
        let awakened = state.withLock { state in
            state.working -= 1
            if state.failure == nil { state.failure = error }
            return state.wakeable(nil)
        }
        for _ in 0..<awakened { wake?.signal() }
    }

    /// The names from the root's child down to a directory.
    func components(of folder: Int) -> [ArraySlice<UInt8>] {
        state.withLock { state in
            var components: [ArraySlice<UInt8>] = []
            var folder = folder
            while folder != 0 {
                let position = state.positions[folder]
                guard let listing = state.listings[position.parent] else { break }
                components.append(listing.name(of: position.item))
                folder = position.parent
            }
            components.reverse()
            return components
        }
    }

    /// Notes a directory that something is mounted on.
    func noteMount(at path: [UInt8]) { state.withLock { $0.mounts.append(path) } }

    /// Notes a directory that could not be read.
    func noteUnreadable(at path: [UInt8]) { state.withLock { $0.unreadable.append(path) } }

    /// Notes a directory with more levels below it than are told.
    func noteDeep(at path: [UInt8]) { state.withLock { $0.deep.append(path) } }

    /// What a walk found.
    struct Result {
        /// By the directories' numbers.
        var listings: [FolderListing?]
        /// The number of each one's first subdirectory.
        var firstFolders: [Int]
        /// The paths of those that something is mounted on.
        var mounts: [[UInt8]]
        /// The paths of those that could not be read.
        var unreadable: [[UInt8]]
        /// The paths of those that are too deep to be told.
        var deep: [[UInt8]]
    }

    func result() throws -> Result {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            return Result(
                listings: state.listings, firstFolders: state.firstFolders, mounts: state.mounts,
                unreadable: state.unreadable, deep: state.deep)
        }
    }
}

extension WalkQueue.State {
    fileprivate mutating func take() -> WalkQueue.Task? {
        guard var batch = batches.popLast() else { return nil }
        while batch.listing.items[batch.nextItem].status.kind != .directory { batch.nextItem += 1 }
        let task = WalkQueue.Task(
            folder: batch.nextFolder, level: batch.level, listing: batch.listing, item: batch.nextItem,
            parent: batch.parent)
        batch.nextItem += 1
        batch.nextFolder += 1
        batch.remaining -= 1
        if batch.remaining > 0 { batches.append(batch) }
        working += 1
        return task
    }

    /// How many waiting threads to wake for so many new directories; all of them for nil.
    fileprivate mutating func wakeable(_ directories: Int?) -> Int {
        let count = min(waiting, directories ?? waiting)
        waiting -= count
        return count
    }
}
