// The last step of filling a slot: every entry is checked against the manifest once more, the file system
// synchronized once, the stat tuples recorded, and only then does the state say `ready` (invariant 2).

import Glibc
import SystemPackage

enum SlotSealer {
    /// Verifies what stands in the slot entry by entry and returns the record that vouches for it.
    static func record(of target: Manifest, in filler: SlotFiller) throws -> SlotRecord {
        waitForFileClock()
        var record = SlotRecord(manifest: target, sealedAt: Timestamp.fileClock)
        var statuses = TreeStatuses(root: filler.directory, manifest: target)
        for index in target.entries.indices {
            let status: FileStatus
            do { status = try statuses.status(of: index) } catch { throw filler.failure("find again", index, error) }
            guard try isRight(status, index, of: target, in: filler) else {
                let path = String(decoding: target.path(of: index), as: UTF8.self)
                throw SlotSyncError(
                    .verification,
                    "\(quoted(path)) in slot \(filler.slot) is not as the release has it (mode \(String(status.mode, radix: 8)), "
                        + "\(status.size) bytes): something else changed it, or the agent may not set its mode; stage again"
                )
            }
            record.append(status)
        }
        return record
    }

    private static func isRight(
        _ status: FileStatus, _ index: Int, of target: Manifest, in filler: SlotFiller
    ) throws -> Bool {
        let entry = target.entries[index]
        switch entry.kind {
        case .file:
            return try status.kind == .file && status.size == entry.size && status.mode == entry.mode
                && (status.modified == entry.modified || hasContent(index, of: target, in: filler))
        case .directory:
            // A time from during this stage says that something came or went behind our back. Any other is as near as the
            // file system comes to ours.
            return status.kind == .directory && status.mode == entry.mode
                && (status.modified == entry.modified || status.modified < filler.began || .now < status.modified)
        case .symbolicLink: return status.kind == .symbolicLink
        }
    }

    /// Reads a file whose time is not what was set: somebody wrote to it, or its file system has coarser times.
    private static func hasContent(_ index: Int, of target: Manifest, in filler: SlotFiller) throws -> Bool {
        do {
            let file = try filler.tree.openFile(index, O_RDONLY | O_NONBLOCK)
            defer { try? file.close() }
            return try file.contentDigest(filler.progress) == target.entries[index].digest
        } catch { throw filler.failure("verify", index, error) }
    }

    /// Makes the slot durable and marks it `ready`.
    static func seal(_ record: SlotRecord, release: ReleaseName, slot: Int, ring: Ring, directory: Directory) throws {
        do {
            try directory.synchronizeFileSystem()
            try ring.records.replaceContents(of: "\(slot)", by: record.encoded())
            try ring.update { state in
                state[slot] = SlotStatus(state: .ready, release: release, since: Timestamp.now.seconds)
            }
        } catch let error as Errno {
            throw SlotSyncError(.system, "cannot seal slot \(quoted("\(ring.path)/slots/\(slot)"))", errno: error)
        }
    }

    /// Lets the file clock move past the last change, so that no tuple is racily clean.
    private static func waitForFileClock() {
        // From the fine clock: a kernel with multigrain times stamps some changes finer than the file clock stands.
        let start = Timestamp.now.adding(nanoseconds: 2 * Timestamp.fileClockTick)
        while !(start < Timestamp.fileClock) { usleep(UInt32(Timestamp.fileClockTick / 2000)) }
    }
}
