// Seals a slot, the last step of a stage: every entry is checked against the manifest once more, the file system is
// synchronized once, the stat tuples are recorded, and only then does the state say `ready` (invariant 2).

import Glibc
import SystemPackage

enum SlotSealer {
    /// Verifies what stands in the slot entry by entry and returns the record that vouches for it.
    ///
    /// - Parameter kept: what stays in folders of the release beside it: whoever looks at the slot has to list them.
    /// - Parameter seen: what entries that were left alone were like; empty: of none it is known.
    static func record(
        of slot: StageSlot, kept: KeptNames = [:], seen: [SlotRecord.Stamp?] = [], parallelism: Int = 1
    ) throws -> SlotRecord {
        let target = slot.target
        let began = Timestamp.fileClock
        // From the fine clock: a kernel with multigrain times stamps some changes finer than the file clock stands.
        let settled = Timestamp.now.adding(nanoseconds: 2 * Timestamp.fileClockTick)
        let mixed = Set(kept.keys)
        let looks = try TreeStatuses.look(at: target, below: slot.directory, parallelism: parallelism) {
            (entries, statuses) in
            let tree = OpenDirectories(root: slot.directory, manifest: target)
            return Look(
                first: entries.lowerBound,
                found: try entries.map { try look(at: $0, of: slot, mixed, seen, &statuses, tree) }
            )
        }
        waitForFileClock(past: settled)
        var record = SlotRecord(manifest: target, sealedAt: Timestamp.fileClock, kept: kept)
        var statuses = TreeStatuses(root: slot.directory, manifest: target)
        let tree = OpenDirectories(root: slot.directory, manifest: target)
        for look in looks.sorted(by: { $0.first < $1.first }) {
            for (index, found) in zip(look.first..., look.found) {
                // What changed just before we looked might have changed just after, unseen.
                let isRacilyClean = found.stamp.changed.isUnsettled(at: began)
                let found = isRacilyClean ? try self.look(at: index, of: slot, mixed, seen, &statuses, tree) : found
                if found.lacksSetgid { record.noteWithoutSetgid(index) }
                record.append(mixed.contains(index) ? .unknown : found.stamp, modified: found.modified)
            }
        }
        return record
    }

    /// What was found of a run of entries, from `first` on.
    private struct Look: Sendable {
        var first: Int
        var found: [Found]
    }

    private typealias Found = (stamp: SlotRecord.Stamp, modified: Timestamp, lacksSetgid: Bool)

    private static func look(
        at index: Int, of slot: StageSlot, _ mixed: Set<Int>, _ seen: [SlotRecord.Stamp?],
        _ statuses: inout TreeStatuses, _ tree: OpenDirectories
    ) throws -> Found {
        let status: FileStatus
        do { status = try statuses.status(of: index) } catch { throw slot.failure("find again", index, error) }
        let isAsSeen = seen.isEmpty || seen[index].map { $0 == SlotRecord.Stamp(status) } ?? true
        guard try isRight(status, index, of: slot, mixed, tree, isAsSeen) else {
            let path = slot.shownPath(of: slot.target.path(of: index))
            if status.kind == .directory, slot.target.entries[index].kind == .directory,
                let name = try names(in: index, of: slot, tree).foreign.min(by: { $0.lexicographicallyPrecedes($1) }),
                !mixed.contains(index)
            {
                let shown = quoted("\(path)/\(String(decoding: name, as: UTF8.self))")
                throw SlotSyncError(
                    .verification,
                    "\(shown) came into slot \(slot.number) while it was filled: stop what writes there, then stage again"
                )
            }
            throw SlotSyncError(
                .verification,
                "\(quoted(path)) in slot \(slot.number) is not as the release has it (mode \(String(status.mode, radix: 8)), "
                    + "\(status.size) bytes): something else changed it, or the agent may not set its mode; stage again"
            )
        }
        let entry = slot.target.entries[index]
        return (
            SlotRecord.Stamp(status), status.modified, entry.kind != .symbolicLink && status.mode != entry.mode
        )
    }

    private static func isRight(
        _ status: FileStatus, _ index: Int, of slot: StageSlot, _ mixed: Set<Int>, _ tree: OpenDirectories,
        _ isAsSeen: Bool
    ) throws -> Bool {
        let entry = slot.target.entries[index]
        switch entry.kind {
        case .file:
            return try status.kind == .file && status.size == entry.size && entry.isMet(byMode: status.mode)
                && ((status.modified == entry.modified && isAsSeen) || hasContent(index, of: slot, tree))
        case .directory:
            return try status.kind == .directory && entry.isMet(byMode: status.mode)
                && (status.modified == entry.modified || hasItsNames(index, of: slot, tree, mixed.contains(index)))
        case .symbolicLink: return try status.kind == .symbolicLink && (isAsSeen || hasText(index, of: slot, tree))
        }
    }

    /// Reads a link that is another one than was seen.
    private static func hasText(_ index: Int, of slot: StageSlot, _ tree: OpenDirectories) throws -> Bool {
        do {
            let parent = try tree.parent(of: index)
            let text = try slot.target.withName(of: index) { (name) throws(Errno) in try parent.readLink(name) }
            return slot.target.linkText(of: index).elementsEqual(text)
        } catch { throw slot.failure("verify", index, error) }
    }

    /// Reads a file whose time is not what was set, or that is not what was seen: somebody wrote to it, or its file system
    /// has coarser times.
    private static func hasContent(_ index: Int, of slot: StageSlot, _ tree: OpenDirectories) throws -> Bool {
        do {
            let file = try tree.openFile(index, O_RDONLY | O_NONBLOCK)
            defer { try? file.close() }
            return try file.hasContent(of: index, in: slot.target, slot.progress)
        } catch { throw slot.failure("verify", index, error) }
    }

    /// Lists a directory whose time is not what was set: something came or went behind our back, or its file system
    /// keeps times coarser, or none for directories.
    private static func hasItsNames(
        _ index: Int, of slot: StageSlot, _ tree: OpenDirectories, _ isMixed: Bool
    ) throws -> Bool {
        let names = try names(in: index, of: slot, tree)
        return names.missing.isEmpty && (isMixed || names.foreign.isEmpty)
    }

    /// How a directory's names are others than the release's.
    private static func names(
        in index: Int, of slot: StageSlot, _ tree: OpenDirectories
    ) throws -> (missing: Set<[UInt8]>, foreign: [[UInt8]]) {
        let manifest = slot.target
        var missing = Set(manifest.children(of: index).map { Array(manifest.name(of: $0)) })
        var foreign: [[UInt8]] = []
        do {
            try tree.directory(UInt32(index)).forEachName { name in
                if missing.remove(Array(name)) == nil { foreign.append(Array(name)) }
            }
        } catch let error as Errno { throw slot.failure("list", index, error) }
        return (missing, foreign)
    }

    /// Makes the slot durable and marks it `ready`, or `bad` where its release is.
    static func seal(_ record: SlotRecord, release: ReleaseName, of slot: StageSlot, in ring: Ring) throws {
        do {
            try naming("synchronize slot", slot.path) { try slot.directory.synchronizeFileSystem() }
            try ring.records.replaceContents(of: "\(slot.number)", by: record.encoded(), adopting: ring.owner.adopt)
            try ring.update { $0.noteSealed(release, in: slot.number, at: Timestamp.now.seconds) }
            ring.forgetStaging(in: slot.number)
            ring.prepareSwitch()
        } catch let error as Errno {
            throw SlotSyncError(
                .system, "cannot seal slot \(quoted(slot.path))", errno: error)
        }
    }

    private static func waitForFileClock(past moment: Timestamp) {
        while !(moment < Timestamp.fileClock) { usleep(UInt32(Timestamp.fileClockTick / 2000)) }
    }
}
