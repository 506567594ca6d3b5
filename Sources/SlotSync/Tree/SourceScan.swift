// A source becomes a release's manifest: walked and hashed, as it stood at one moment. What changed
// meanwhile sends the scan back to its beginning, where the digests found so far make it cheap; a source
// that will not hold still is refused by name. The controller calls it.
//
// Why the manifest is no mixture of before and after a change: no status that was seen has a change time
// from after the walk began, so all that was seen, the lists of names too, is as it was at that moment; and
// what is hashed later still has its status. Where change times do not tell, a second look does.

import SystemPackage

enum SourceScan {
    /// How often a source that changes is scanned before it is refused.
    private static let mostRounds = 3
    /// How many changed paths a message names.
    private static let mostNamed = 5

    /// Scans the tree at `path`.
    ///
    /// - Parameters:
    ///   - cache: digests from earlier scans; brought up to date.
    ///   - checksum: whether to read every file, whatever the cache knows.
    ///   - onProgress: called with the files and bytes done so far, from any thread, one call at a time.
    ///   - onWarning: called with what is wrong, but does not hinder the scan.
    /// - Throws: `SlotSyncError`: `badInput` for a source that is missing or no directory, `sourceChanged`
    ///   for one that will not hold still, `system` for what cannot be read.
    static func scan(
        path: FilePath, options: WalkOptions, cache: HashCache?, checksum: Bool = false,
        onProgress: @escaping @Sendable (_ files: Int, _ bytes: UInt64) -> Void = { _, _ in },
        onWarning: (String) -> Void = { _ in }
    ) throws -> WalkedTree {
        let name = "source \(quoted(path.string))"
        let root: Directory
        do { root = try Directory(path: path) } catch { throw unusable(path, error) }
        let stored = (checksum ? nil : cache)?.load() ?? KnownDigests()
        var known = stored
        var failure = SlotSyncError(.sourceChanged, "\(name) changes while it is read")
        for _ in 0..<mostRounds {
            switch try scan(root, name: name, options: options, known: &known, onProgress) {
            case .tree(let tree):
                if known != stored { do { try cache?.store(known) } catch { onWarning("\(error)") } }
                return tree
            case .changed(let error): failure = error
            }
        }
        throw failure
    }

    private enum Round {
        case tree(WalkedTree)
        case changed(SlotSyncError)
    }

    /// Why there is no folder to read at `path`, and what to do instead.
    static func unusable(_ path: FilePath, _ error: Errno) -> SlotSyncError {
        let name = "source \(quoted(path.string))"
        switch error {
        case .noSuchFileOrDirectory:
            return SlotSyncError(.badInput, "\(name) does not exist; name the folder that holds the release")
        case .notDirectory:
            let file = path.lastComponent?.string ?? ""
            guard let unpack = unpacking(file) else {
                return SlotSyncError(.badInput, "\(name) is no folder; name the folder that holds the release")
            }
            return SlotSyncError(
                .badInput,
                "\(name) is an archive, and a release is a folder: unpack it, and name the folder that the release then "
                    + "stands in (mkdir release && \(unpack(quoted(path.string))))")
        default: return SlotSyncError(.system, "\(name) cannot be opened", errno: error)
        }
    }

    /// The command that unpacks an archive of this name into the folder `release`; nil: it is called like none.
    private static func unpacking(_ name: String) -> ((String) -> String)? {
        let endings = [".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tzst", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"]
        let lower = name.lowercased()
        if endings.contains(where: lower.hasSuffix) { return { "tar -xf \($0) -C release" } }
        if [".zip", ".jar", ".war", ".phar"].contains(where: lower.hasSuffix) { return { "unzip \($0) -d release" } }
        return nil
    }

    /// One round. What it learns of digests is left in `known`.
    private static func scan(
        _ root: Directory, name: String, options: WalkOptions, known: inout KnownDigests,
        _ onProgress: @escaping @Sendable (Int, UInt64) -> Void
    ) throws -> Round {
        do {
            var walk = try settledWalk(root, name: name, options: options)
            let digests = known
            let isAsWalked = try TreeHashing.hash(
                &walk.tree, root: root, name: name, known: { _, status in digests.content(for: status) },
                parallelism: options.parallelism, onProgress: onProgress)
            known = KnownDigests(of: walk.tree, walkedAt: walk.moment, after: digests)
            if options.extendedAttributes {
                _ = try walk.tree.manifest.readExtendedAttributes(
                    below: root, name: name, parallelism: options.parallelism)
            }
            // Attributes were read after the walk saw the status that vouches for them.
            if walk.isSettled && isAsWalked && !options.extendedAttributes { return .tree(walk.tree) }
            let changed = try TreeWalk.changes(
                since: walk.tree, root: root, name: name, parallelism: options.parallelism)
            return changed.isEmpty ? .tree(walk.tree) : .changed(error(naming: changed, of: walk.tree, name: name))
        } catch let error as SlotSyncError {
            guard error.code == .sourceChanged else { throw error }
            return .changed(error)
        }
    }

    private struct DatedWalk {
        var tree: WalkedTree
        /// When it began.
        var moment: Timestamp
        /// Whether all that was seen is as it was at that moment.
        var isSettled: Bool
    }

    /// A walk of a tree that did not change in the ticks of the clock just before, unless something in it
    /// changes all the time.
    private static func settledWalk(_ root: Directory, name: String, options: WalkOptions) throws -> DatedWalk {
        let first = try datedWalk(root, name: name, options: options)
        guard !first.isSettled, let last = first.tree.statuses.map(\.changed).max() else { return first }
        guard last.isUnsettled(at: first.moment) else { return first }
        waitUntilSettled(last)
        return try datedWalk(root, name: name, options: options)
    }

    private static func datedWalk(_ root: Directory, name: String, options: WalkOptions) throws -> DatedWalk {
        let moment = Timestamp.fileClock
        let tree = try TreeWalk.walk(root, name: name, options: options)
        return DatedWalk(tree: tree, moment: moment, isSettled: tree.isSettled(at: moment, below: root))
    }

    private static func error(naming changed: [Int], of tree: WalkedTree, name: String) -> SlotSyncError {
        var paths = changed.prefix(mostNamed).map { entry in
            entry == 0 ? "its top folder" : quoted(String(decoding: tree.manifest.path(of: entry), as: UTF8.self))
        }
        if changed.count > mostNamed { paths.append("\(changed.count - mostNamed) more") }
        return SlotSyncError(
            .sourceChanged,
            "\(name) changes while it is read (\(paths.joined(separator: ", "))); wait until nobody writes to it")
    }
}
