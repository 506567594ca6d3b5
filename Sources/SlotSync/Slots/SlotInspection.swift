// Finds out what really is in a slot. If all of the record's stat tuples hold, the record says it and nothing is
// read; otherwise the tree is walked, and what the tuples do not vouch for is hashed, as far as its content matters. So an edit by hand or a crash
// needs no special case: it is simply other content. What is mounted in a slot is not looked into.

import SystemPackage

/// A slot's actual content.
struct SlotContent: Sendable {
    var manifest: Manifest
    /// What the entries were like at that look.
    var seen: SeenStatuses
    /// FIFOs, sockets and devices that somebody put there, by path.
    var specials: [[UInt8]] = []
    /// Files and links that are neither kept nor moved. They have a name outside of the slot as well (`cp -al` makes
    /// such): what changes their mode or time changes it there, perhaps in the live slot. Or their owner or group is not
    /// what was asked for, and the agent may not change it.
    var unusable: Set<Int> = []
    /// Directories that something is mounted on, by path.
    var mounts: [[UInt8]] = []
    /// Directories that could not be read, by path: they are empty here.
    var unreadable: [[UInt8]] = []
    /// Directories that are too deep to be told what is below them.
    var deep: Set<Int> = []
    /// Entries of another user than was asked for, and whose they are.
    var owners: [Int: UInt32] = [:]
    /// Entries of another group than was asked for.
    var otherGroup: Set<Int> = []
    /// Entries whose extended attributes were asked for and could not be read.
    var unknownAttributes: Set<Int> = []
    /// Whether the slot is exactly as it was sealed.
    var isAsSealed: Bool
}

/// Whose the entries of a slot are to be. Nil: of anybody.
struct SlotOwnership: Sendable {
    var user: UInt32?
    var group: UInt32?
    /// Whether the agent may give what is its own to the group.
    var canSetGroup = true

    fileprivate struct Exception: Sendable {
        var entry: Int
        /// Whose it is, where it is another user's.
        var owner: UInt32?
        var isOtherGroup: Bool
    }

    fileprivate func exception(_ entry: Int, _ status: FileStatus) -> Exception? {
        let isOtherUser = user.map { $0 != status.owner } ?? false
        let isOtherGroup = group.map { $0 != status.group } ?? false
        guard isOtherUser || isOtherGroup else { return nil }
        return Exception(entry: entry, owner: isOtherUser ? status.owner : nil, isOtherGroup: isOtherGroup)
    }
}

extension SlotContent {
    fileprivate mutating func note(_ exceptions: [SlotOwnership.Exception], _ wanted: SlotOwnership) {
        for exception in exceptions {
            if let owner = exception.owner { owners[exception.entry] = owner }
            if exception.isOtherGroup { otherGroup.insert(exception.entry) }
            // A copy is the agent's own, and of the right group.
            let cannotChange = exception.owner != nil || (exception.isOtherGroup && !wanted.canSetGroup)
            if cannotChange, manifest.entries[exception.entry].kind != .directory { unusable.insert(exception.entry) }
        }
    }
}

enum SlotInspection {
    /// What may be unreadable without being an error: a file is one of unknown content then, a directory an empty one.
    enum Tolerance {
        case nothing, files, all
    }

    /// Finds out what is in a slot; nothing where its folder is gone.
    ///
    /// - Parameters:
    ///   - checksum: trust no stat tuple.
    ///   - reading: which files are read, and the digests of others stay unknown; nil: all.
    ///   - tolerating: what may be unreadable.
    ///   - ownership: whose the entries are to be.
    ///   - extendedAttributes: whether these are looked at even where the record does not have them.
    static func content(
        of slot: Int, in ring: Ring, record: SlotRecord?, checksum: Bool, reading: ReadingChoice? = nil,
        tolerating: Tolerance = .nothing,
        ownership: SlotOwnership = SlotOwnership(), extendedAttributes: Bool = false, parallelism: Int,
        progress: AgentProgress
    ) throws -> SlotContent {
        guard let directory = try ring.slotThere(slot) else {
            let seen = SeenStatuses(stamps: [.unknown], moment: .fileClock)
            return SlotContent(manifest: Manifest(rootMode: 0o755), seen: seen, isAsSealed: false)
        }
        let name = "\(ring.path)/slots/\(slot)"
        let trusted = checksum ? nil : record
        func readAttributes(_ content: inout SlotContent) throws {
            content.unknownAttributes = try content.manifest.readExtendedAttributes(
                below: directory, name: name, toleratesUnreadable: tolerating != .nothing, parallelism: parallelism)
        }
        if let trusted,
            let exceptions = exceptionsIfSealed(
                trusted, directory, ownership, parallelism: parallelism, progress: progress)
        {
            // A stamp that was not settled at the seal vouched for nothing.
            let seen = SeenStatuses(stamps: trusted.stamps, moment: trusted.sealedAt)
            var content = SlotContent(manifest: trusted.manifestAsFound(), seen: seen, isAsSealed: true)
            content.note(exceptions, ownership)
            // Setting one changes the change time. So those of the record are there.
            if extendedAttributes, !trusted.manifest.hasExtendedAttributes { try readAttributes(&content) }
            return content
        }
        let moment = Timestamp.fileClock
        let options = WalkOptions(
            ownership: record?.manifest.hasOwnership ?? false, hardLinks: true,
            sha256: record?.manifest.hasSHA256 ?? false,
            toleratesUnreadable: tolerating == .all, toleratesDepth: true, parallelism: parallelism)
        var tree = try TreeWalk.walk(directory, name: name, options: options)
        let twins = trusted.map { tree.manifest.twins(in: $0.manifest) }
        let isRead = reading?.files(of: tree)
        try TreeHashing.hash(
            &tree, root: directory, name: name,
            known: { index, status in
                let notKnown = isRead?[index] == false ? TreeHashing.unknownContent : nil
                guard let trusted, let twins, twins[index] >= 0 else { return notKnown }
                let twin = Int(twins[index])
                return trusted.vouches(for: twin, status) ? trusted.manifest.content(of: twin) : notKnown
            }, toleratesUnreadable: tolerating != .nothing, parallelism: parallelism,
            onProgress: progress.addingSums())
        var content = SlotContent(
            manifest: tree.manifest,
            seen: SeenStatuses(stamps: tree.statuses.map { SlotRecord.Stamp($0) }, moment: moment),
            specials: tree.specials.map(\.path), unusable: sharedFiles(tree),
            mounts: tree.mounts, unreadable: tree.unreadable, isAsSealed: false)
        content.deep = Set(tree.deep.compactMap { tree.manifest.entry(at: $0.split(separator: UInt8(ascii: "/"))) })
        content.note(tree.statuses.enumerated().compactMap { ownership.exception($0, $1) }, ownership)
        if extendedAttributes || record?.manifest.hasExtendedAttributes == true { try readAttributes(&content) }
        return content
    }

    /// The files with more links than the slot has names for them, and symbolic links with any more: they have no
    /// groups.
    private static func sharedFiles(_ tree: WalkedTree) -> Set<Int> {
        let groups = tree.manifest.linkGroups()
        return Set(
            tree.statuses.indices.filter { index in
                guard tree.manifest.entries[index].kind != .directory else { return false }
                let names = tree.manifest.linkLeader(of: index).flatMap { groups[$0] } ?? 1
                return tree.statuses[index].links > UInt64(names)
            })
    }

    /// Whether every stat tuple of the record holds: one look at each entry, nothing is opened or read.
    static func isAsSealed(
        _ record: SlotRecord, _ slot: Directory, parallelism: Int = 1, progress: AgentProgress = AgentProgress()
    ) -> Bool {
        exceptionsIfSealed(record, slot, SlotOwnership(), parallelism: parallelism, progress: progress) != nil
    }

    /// Nil if a stat tuple of the record does not hold.
    private static func exceptionsIfSealed(
        _ record: SlotRecord, _ slot: Directory, _ ownership: SlotOwnership, parallelism: Int,
        progress: AgentProgress
    ) -> [SlotOwnership.Exception]? {
        struct Difference: Error {}
        let asksNothing = ownership.user == nil && ownership.group == nil
        let found: [[SlotOwnership.Exception]]? = try? TreeStatuses.look(
            at: record.manifest, below: slot, parallelism: parallelism
        ) { (entries, statuses) in
            var exceptions: [SlotOwnership.Exception] = []
            for index in entries {
                let status = try statuses.status(of: index)
                // A directory's change time tells of every name that came or went.
                guard record.vouches(for: index, status) else { throw Difference() }
                if !asksNothing, let exception = ownership.exception(index, status) { exceptions.append(exception) }
            }
            progress.add(files: entries.count, bytes: 0)
            return exceptions.isEmpty ? nil : exceptions
        }
        return found.map { Array($0.joined()) }
    }
}
