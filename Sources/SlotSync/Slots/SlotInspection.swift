// Finds out what really is in a slot. If all of the record's stat tuples hold, the record says it and nothing is
// read; otherwise the tree is walked, and what the tuples do not vouch for is hashed. So an edit by hand or a crash
// needs no special case: it is simply other content.

import SystemPackage

/// A slot's actual content.
struct SlotContent: Sendable {
    var manifest: Manifest
    /// FIFOs, sockets and devices that somebody put there, by path.
    var specials: [[UInt8]] = []
    /// Files and links that have a name outside of the slot as well (`cp -al` makes such): what changes their mode or
    /// time changes it there, perhaps in the live slot. They are neither kept nor moved.
    var sharedFiles: Set<Int> = []
    /// Whether the slot is exactly as it was sealed.
    var isAsSealed: Bool
}

enum SlotInspection {
    /// Finds out what is in a slot.
    ///
    /// - Parameters:
    ///   - checksum: trust no stat tuple.
    ///   - toleratesUnreadable: whether a file that cannot be read is one of unknown content, in place of an error.
    static func content(
        of slot: Int, in ring: Ring, record: SlotRecord?, checksum: Bool, toleratesUnreadable: Bool = false,
        parallelism: Int, progress: AgentProgress
    ) throws -> SlotContent {
        let directory = try ring.openSlot(slot)
        let trusted = checksum ? nil : record
        if let trusted, isAsSealed(trusted, directory, parallelism: parallelism) {
            return SlotContent(manifest: trusted.manifestAsFound(), isAsSealed: true)
        }
        let name = "\(ring.path)/slots/\(slot)"
        let options = WalkOptions(
            ownership: record?.manifest.hasOwnership ?? false, hardLinks: true, parallelism: parallelism)
        var tree = try TreeWalk.walk(directory, name: name, options: options)
        let twins = trusted.map { tree.manifest.twins(in: $0.manifest) }
        try TreeHashing.hash(
            &tree, root: directory, name: name,
            known: { index, status in
                guard let trusted, let twins, twins[index] >= 0 else { return nil }
                let twin = Int(twins[index])
                return trusted.vouches(for: twin, status) ? trusted.manifest.entries[twin].digest : nil
            }, toleratesUnreadable: toleratesUnreadable, parallelism: parallelism,
            onProgress: progress.addingSums())
        return SlotContent(
            manifest: tree.manifest, specials: tree.specials.map(\.path), sharedFiles: sharedFiles(tree),
            isAsSealed: false)
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
    static func isAsSealed(_ record: SlotRecord, _ slot: Directory, parallelism: Int = 1) -> Bool {
        struct Difference: Error {}
        let looks: [Never]? = try? TreeStatuses.look(at: record.manifest, below: slot, parallelism: parallelism) {
            (entries, statuses) in
            for index in entries {
                // A directory's change time tells of every name that came or went.
                guard record.vouches(for: index, try statuses.status(of: index)) else { throw Difference() }
            }
            return nil
        }
        return looks != nil
    }
}
