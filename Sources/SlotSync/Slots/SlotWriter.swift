// The slot that a stage fills, and the only ways in which files come into it: made, finished, removed. SlotFiller and
// FrameApplier change a slot's files through a writer; whoever works in the slot says by `failure` what went wrong.

import Glibc
import SystemPackage

/// The slot that a stage fills, and what it is filled with.
struct StageSlot: Sendable {
    let number: Int
    let path: String
    let directory: Directory
    let target: Manifest
    let progress: AgentProgress
    /// How many bytes the stage writes, in whole blocks.
    let plannedBytes: UInt64

    init(_ number: Int, of ring: Ring, target: Manifest, plan: StagePlan, progress: AgentProgress) throws {
        self.number = number
        path = "\(ring.path)/slots/\(number)"
        directory = try ring.openSlot(number)
        self.target = target
        self.progress = progress
        plannedBytes = plan.receivedBytes + plan.copiedBytes
    }

    /// Says that something could not be done to an entry of the release.
    func failure(_ what: String, _ index: Int, _ error: Errno) -> SlotSyncError {
        failure(what, target.path(of: index), error)
    }

    /// The same of a path in the slot.
    func failure(_ what: String, _ entry: [UInt8], _ error: Errno) -> SlotSyncError {
        let path = quoted("\(path)/\(String(decoding: entry, as: UTF8.self))")
        guard error == .noSpace || error == .diskQuotaExceeded else {
            return SlotSyncError(.system, "cannot \(what) \(path)", errno: error)
        }
        let free = (try? FileSystemSpace(of: directory.descriptor).freeBytes) ?? 0
        return SlotSyncError(
            .diskFull, "disk full: needs \(byteText(plannedBytes)), \(byteText(free)) free while writing \(path)",
            errno: error)
    }

    /// Takes a step that is about one entry.
    func attempt(_ what: String, _ index: Int, _ step: () throws(Errno) -> Void) throws(SlotSyncError) {
        do { try step() } catch { throw failure(what, index, error) }
    }
}

/// Makes files in a slot.
struct SlotWriter {
    let slot: StageSlot
    let tree: OpenDirectories
    let attributes: SlotAttributes

    /// Makes an entry's file, empty; the caller writes and closes it.
    func makeFile(_ index: Int) throws(SlotSyncError) -> FileDescriptor {
        do { return try tree.openFile(index, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600) } catch {
            throw slot.failure("write", index, error)
        }
    }

    /// Gives a file that has its content what else it is to have.
    func finish(_ file: FileDescriptor, _ index: Int) throws(SlotSyncError) {
        do { try attributes.finish(file, index) } catch { throw slot.failure("write", index, error) }
    }

    /// Removes an entry's file, if it is there.
    func remove(_ index: Int) throws(SlotSyncError) {
        do {
            let parent = try tree.parent(of: index)
            try slot.target.withName(of: index) { name throws(Errno) in try parent.remove(name) }
        } catch {
            if error != .noSuchFileOrDirectory { throw slot.failure("remove", index, error) }
        }
    }
}
