// Fills in the digests of a walked tree's files: they are taken from where they are known, and computed for the
// others by several threads. Files are grouped in runs that are near each other in the tree; the largest runs go
// first, so that all threads end at about the same time. SourceScan and SlotInspection use it.

import Dispatch
import Glibc
import Synchronization
import SystemPackage

enum TreeHashing {
    /// Stands for the digest of a file that cannot be read, or is not worth it: no content has it.
    static let unknown = ContentDigest(high: 0, low: 0)
    static let unknownContent = KnownContent(digest: unknown, sha256: SHA256Digest.none)

    /// How many files, and about how many bytes, one thread takes at a time.
    private static let filesPerRun = 128
    private static let bytesPerRun: UInt64 = 4 << 20

    /// Fills in the digest of every file, and its SHA-256 where the manifest has these. A file that changed since the walk
    /// is entered as it was read, with its new size, mode and time.
    ///
    /// - Parameters:
    ///   - name: what the tree is, for messages.
    ///   - known: what an entry's file holds, if its status is enough to tell; called on this thread. Without a SHA-256 that
    ///     the manifest has to have it is read.
    ///   - toleratesUnreadable: whether a file that cannot be read gets the digest `unknown`, in place of an error.
    ///   - onProgress: called with the files and bytes done so far, from any thread, one call at a time.
    /// - Returns: whether all files that were read had their walked status.
    /// - Throws: `SlotSyncError`: `sourceChanged` for a file that will not hold still or is gone, `system`
    ///   for one that cannot be read.
    @discardableResult
    static func hash(
        _ tree: inout WalkedTree, root: Directory, name: String, known: (Int, FileStatus) -> KnownContent?,
        toleratesUnreadable: Bool = false, parallelism: Int,
        onProgress: @escaping @Sendable (Int, UInt64) -> Void = { _, _ in }
    ) throws -> Bool {
        var isAsWalked = true
        var leaders: [FileIdentity: Int] = [:]
        var followers: [(entry: Int, leader: Int)] = []
        var runs: [Run] = []
        var done: (files: Int, bytes: UInt64) = (0, 0)
        let hasSHA256 = tree.manifest.hasSHA256
        for (index, entry) in tree.manifest.entries.enumerated() where entry.kind == .file {
            let status = tree.statuses[index]
            if status.links > 1, let leader = leaders.updateValue(index, forKey: FileIdentity(status)) {
                leaders[FileIdentity(status)] = leader
                followers.append((index, leader))
            } else if let content = entry.size == 0 ? .empty : known(index, status),
                !hasSHA256 || content.sha256 != nil
            {
                tree.manifest.entries[index].digest = content.digest
                if hasSHA256, let sum = content.sha256 { tree.manifest.sha256[index] = sum }
                if content.digest != unknown { done = (done.files + 1, done.bytes &+ entry.size) }
            } else {
                Run.add(index, of: entry.size, to: &runs, files: filesPerRun, bytes: bytesPerRun)
            }
        }
        if done.files > 0 { onProgress(done.files, done.bytes) }
        if !runs.isEmpty {
            runs.sort { $0.bytes > $1.bytes }
            let work = HashWork(
                tree: tree, root: root, name: name, runs: runs, toleratesUnreadable: toleratesUnreadable,
                progress: Progress(done, report: onProgress))
            let results = try work.results(parallelism: runs.count == 1 ? 1 : parallelism)
            for run in results {
                for result in run.outcomes {
                    tree.manifest.entries[result.entry].digest = result.digest
                    if let status = result.status {
                        tree.take(status, for: result.entry)
                        isAsWalked = false
                    }
                }
                for (result, sum) in zip(run.outcomes, run.sums) { tree.manifest.sha256[result.entry] = sum }
            }
        }
        for (entry, leader) in followers {
            tree.take(tree.statuses[leader], for: entry)
            tree.manifest.entries[entry].digest = tree.manifest.entries[leader].digest
            if hasSHA256 { tree.manifest.sha256[entry] = tree.manifest.sha256[leader] }
        }
        return isAsWalked
    }

    /// Files that one thread reads one after the other.
    struct Run: Sendable {
        var entries: [Int] = []
        var bytes: UInt64 = 0

        fileprivate static func add(_ entry: Int, of size: UInt64, to runs: inout [Run], files: Int, bytes: UInt64) {
            if let last = runs.last, last.entries.count < files, last.bytes < bytes, size <= bytes - last.bytes {
            } else {
                runs.append(Run())
            }
            runs[runs.count - 1].entries.append(entry)
            runs[runs.count - 1].bytes = runs[runs.count - 1].bytes.addingSaturated(size)
        }
    }

    /// What became of one file.
    struct Outcome: Sendable {
        var entry: Int
        var digest: ContentDigest
        /// The file's new status, if it changed since the walk.
        var status: FileStatus?
    }

    /// What became of a run's files. Of most trees no SHA-256 is asked for, and none takes memory.
    struct RunOutcome: Sendable {
        var outcomes: [Outcome] = []
        /// One for each outcome; empty where they are not wanted.
        var sums: [SHA256Digest] = []
    }

    /// Adds up what all threads have done.
    final class Progress: Sendable {
        private let done: Mutex<(files: Int, bytes: UInt64)>
        private let report: @Sendable (Int, UInt64) -> Void

        init(_ done: (files: Int, bytes: UInt64), report: @escaping @Sendable (Int, UInt64) -> Void) {
            self.done = Mutex(done)
            self.report = report
        }

        func add(files: Int, bytes: Int) {
            done.withLock {
                $0.files += files
                $0.bytes &+= UInt64(bitPattern: Int64(bytes))
                report($0.files, $0.bytes)
            }
        }
    }
}

extension WalkedTree {
    /// Enters a file's newer status.
    fileprivate mutating func take(_ status: FileStatus, for entry: Int) {
        statuses[entry] = status
        manifest.entries[entry].take(status)
        if manifest.hasOwnership {
            manifest.entries[entry].owner = status.owner
            manifest.entries[entry].group = status.group
        }
    }
}

/// The runs that several threads share.
private struct HashWork: Sendable {
    let tree: WalkedTree
    let root: Directory
    let name: String
    let runs: [TreeHashing.Run]
    let toleratesUnreadable: Bool
    let progress: TreeHashing.Progress

    func results(parallelism: Int) throws -> [TreeHashing.RunOutcome] {
        try ParallelRuns.perform(count: runs.count, parallelism: parallelism) { take, report in
            var hasher = FileHasher()
            let directories = OpenDirectories(root: root, manifest: tree.manifest)
            while let run = take() {
                report([try hash(runs[run], with: &hasher, directories)])
            }
        }
    }

    private func hash(
        _ run: TreeHashing.Run, with hasher: inout FileHasher, _ directories: OpenDirectories
    ) throws -> TreeHashing.RunOutcome {
        var found = TreeHashing.RunOutcome()
        found.outcomes.reserveCapacity(run.entries.count)
        var pending = (files: 0, bytes: 0)
        for entry in run.entries {
            let (content, status) = try hash(entry, with: &hasher, directories) { bytes in
                pending.bytes += bytes
                // A large file shows its progress, small ones are reported together.
                if abs(pending.bytes) >= 4 << 20 {
                    progress.add(files: pending.files, bytes: pending.bytes)
                    pending = (0, 0)
                }
            }
            found.outcomes.append(TreeHashing.Outcome(entry: entry, digest: content.digest, status: status))
            if tree.manifest.hasSHA256 { found.sums.append(content.sha256 ?? .none) }
            pending.files += 1
        }
        progress.add(files: pending.files, bytes: pending.bytes)
        return found
    }

    private func hash(
        _ entry: Int, with hasher: inout FileHasher, _ directories: OpenDirectories, onBytes: (Int) -> Void
    ) throws -> (content: KnownContent, status: FileStatus?) {
        let known = tree.statuses[entry]
        let result: FileHasher.Result?
        do {
            result = try read(entry, known, with: &hasher, directories, onBytes)
        } catch {
            if toleratesUnreadable, error.isOfOneFile {
                return (TreeHashing.unknownContent, nil)
            }
            throw SlotSyncError(.system, "\(name): the file \(path(entry)) cannot be read", errno: error)
        }
        guard let result else {
            throw SlotSyncError(
                .sourceChanged,
                "\(name): the file \(path(entry)) changes while it is read; wait until nobody writes to it")
        }
        let isSame = StatTuple(result.status) == StatTuple(known)
        return (result.content, isSame ? nil : result.status)
    }

    private func read(
        _ entry: Int, _ known: FileStatus, with hasher: inout FileHasher, _ directories: OpenDirectories,
        _ onBytes: (Int) -> Void
    ) throws(Errno) -> FileHasher.Result? {
        let directory: Directory
        do {
            directory = try directories.directory(tree.manifest.entries[entry].parent, isKept: false)
        } catch {
            // The file's directory was removed or replaced.
            if error.isFromReplacedEntry { return nil }
            throw error
        }
        return try tree.manifest.withName(of: entry) { (name) throws(Errno) in
            try hasher.hash(
                name, in: directory, known: known, withSHA256: tree.manifest.hasSHA256, onBytes: onBytes)
        }
    }

    private func path(_ entry: Int) -> String { quoted(String(decoding: tree.manifest.path(of: entry), as: UTF8.self)) }
}

extension Errno {
    /// Whether the disk or the rights of one entry are at fault, not the process or the system.
    var isOfOneFile: Bool {
        // The last two are what file systems say of structures and blocks that fail their checksums.
        [.ioError, .permissionDenied, .notPermitted, Errno(rawValue: Glibc.EUCLEAN), Errno(rawValue: Glibc.EBADMSG)]
            .contains(self)
    }
}
