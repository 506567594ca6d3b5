// Writes to one host, at the host's own pace: a queue of bytes and of ranges of the spool file, written whenever the
// pipe takes something. Ranges are spliced: they never pass through this process's memory.

import DequeModule
import SystemPackage

/// The writing end of a non-blocking pipe, with a queue in front of it.
@FleetActor
final class PipeWriter {
    private enum Piece {
        case bytes(ArraySlice<UInt8>)
        case range(of: FileDescriptor, at: Int64, length: Int)

        var count: Int {
            switch self {
            case .bytes(let bytes): bytes.count
            case .range(_, _, let length): length
            }
        }
    }

    /// What is written before others get their turn.
    private static let mostBytes = 1 << 20

    private var readiness: Readiness!
    private var queue: Deque<Piece> = []
    private var isFinishing = false
    private var isClosed = false
    private let onProgress: @FleetActor (_ hasRead: Bool) -> Void
    private let onFailure: @FleetActor (SlotSyncError) -> Void

    private(set) var pendingBytes = 0
    private(set) var sentBytes: UInt64 = 0
    /// The reading end is gone, or writing failed: what is queued, now and later, is dropped. Why the reader has gone is
    /// what it says last, so whoever reads from it tells.
    private(set) var isBroken = false

    /// Takes over the descriptor. `onProgress` is called after some bytes were written, and when the pipe breaks; it
    /// hears whether the other end must have read to make room for them. `onFailure` is called with an error of this
    /// machine, of which the other end knows nothing.
    init(
        owning pipe: FileDescriptor, onProgress: @escaping @FleetActor (_ hasRead: Bool) -> Void,
        onFailure: @escaping @FleetActor (SlotSyncError) -> Void
    ) {
        self.onProgress = onProgress
        self.onFailure = onFailure
        readiness = Readiness(owning: pipe, for: .writing) { [weak self] in self?.pump(afterWaiting: true) }
    }

    func append(_ bytes: [UInt8]) { append(.bytes(bytes[...])) }

    /// The file must keep this range as it is until it is written.
    func append(rangeOf file: FileDescriptor, at offset: Int64, length: Int) {
        append(.range(of: file, at: offset, length: length))
    }

    private func append(_ piece: Piece) {
        guard !isBroken, !isClosed, !isFinishing, piece.count > 0 else { return }
        pendingBytes += piece.count
        queue.append(piece)
        // Otherwise the source is armed already.
        if queue.count == 1 { pump(afterWaiting: false) }
    }

    /// Closes the pipe when what is queued has been written.
    func finish() {
        isFinishing = true
        if queue.isEmpty { close() }
    }

    /// Closes the pipe at once and drops what is queued.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        dropQueue()
        readiness.close()
    }

    private func dropQueue() {
        queue = []
        pendingBytes = 0
    }

    private func pump(afterWaiting: Bool) {
        guard !isClosed else { return }
        var written = 0
        do {
            while let piece = queue.first, written < Self.mostBytes {
                let count = try write(piece)
                written += count
                pendingBytes -= count
                sentBytes += UInt64(count)
                advance(by: count)
            }
        } catch Errno.resourceTemporarilyUnavailable {
            // The source tells when there is room again.
        } catch {
            isBroken = true
            dropQueue()
            if error as? Errno != .brokenPipe { onFailure(hostError(error)) }
        }
        if !queue.isEmpty { readiness.arm() } else if isFinishing { close() }
        if written > 0 || isBroken { onProgress(written > 0 && afterWaiting) }
    }

    private func write(_ piece: Piece) throws -> Int {
        switch piece {
        case .bytes(let bytes):
            return try Self.told("cannot write to the session's pipe") {
                try bytes.withUnsafeBytes { try readiness.descriptor.write($0) }
            }
        case .range(let file, let offset, let length):
            let count = try Self.told(
                "cannot move the spool file (in \(quoted(temporaryFolder))) into the session's pipe"
            ) {
                try file.splice(at: offset, length: length, to: readiness.descriptor)
            }
            guard count > 0 else {
                throw SlotSyncError(
                    .unreachable,
                    "the spool file (in \(quoted(temporaryFolder))) ends too early: is its disk full or damaged?")
            }
            return count
        }
    }

    /// A full pipe and a reader that has gone stay what they are. All else breaks the session, and nobody knows what the
    /// host did with what it has.
    private static func told(_ what: @autoclosure () -> String, _ body: () throws -> Int) throws -> Int {
        do { return try body() } catch let error as Errno {
            guard error != .resourceTemporarilyUnavailable, error != .brokenPipe else { throw error }
            throw SlotSyncError(.unreachable, "the session broke off: \(what())", errno: error)
        }
    }

    /// Takes what was written from the first piece.
    private func advance(by count: Int) {
        switch queue.removeFirst() {
        case .bytes(let bytes):
            if count < bytes.count { queue.prepend(.bytes(bytes.dropFirst(count))) }
        case .range(let file, let offset, let length):
            if count < length { queue.prepend(.range(of: file, at: offset + Int64(count), length: length - count)) }
        }
    }
}
