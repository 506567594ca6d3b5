// One open file of a log: how far it was read, and whether what was read still stands in it. LogReader knows which
// files a log consists of.

import Glibc
import SystemPackage

/// An open file, read once from the start to the end.
final class LogFile {
    let identity: FileIdentity
    /// Once it was rotated away: how many readings found nothing new in it.
    var quietReadings = 0
    private let descriptor: FileDescriptor
    private var splitter = LineSplitter()
    /// How many bytes of the file were read.
    private(set) var offset: UInt64 = 0
    /// The last bytes before `offset`: if others stand there now, the file was cut and written again.
    private var memory: [UInt8] = []
    static let memoryLength = 64

    /// Opens a regular file, to be read from its start. Links are followed: this is the user's own path.
    init(_ path: String) throws(SlotSyncError) {
        // Looked at before it is opened: to open a device or a FIFO may do something.
        try Self.expectFile(path) { () throws(Errno) in try FileStatus(following: path) }
        do {
            descriptor = FileDescriptor(
                rawValue: try systemCall { Glibc.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) })
        } catch {
            throw SlotSyncError(.system, "cannot open the log \(quoted(path))", errno: error)
        }
        let opened = descriptor
        do throws(SlotSyncError) {
            identity = FileIdentity(try Self.expectFile(path) { () throws(Errno) in try opened.status() })
        } catch {
            try? opened.close()
            throw error
        }
    }

    deinit { try? descriptor.close() }

    @discardableResult
    private static func expectFile(_ path: String, _ look: () throws(Errno) -> FileStatus) throws(SlotSyncError)
        -> FileStatus
    {
        let status: FileStatus
        do { status = try look() } catch {
            throw SlotSyncError(.system, "cannot look at the log \(quoted(path))", errno: error)
        }
        guard status.kind == .file else {
            let kind = status.kind == .directory ? "directory" : status.specialKind
            throw SlotSyncError(.badInput, "the log \(quoted(path)) is a \(kind): only a regular file can be read")
        }
        return status
    }

    /// Leaves out what stands in the file. A line that has begun there is searched whole when it ends.
    func skipToEnd() throws { try skip(to: try descriptor.status().size) }

    /// Leaves out what stands before `size`.
    func skip(to size: UInt64) throws {
        var end = [UInt8](repeating: 0, count: Int(min(size, UInt64(ReadingLimits.longestLine) + 1)))
        let start = Int64(size) - Int64(end.count)
        let count = try end.withUnsafeMutableBytes { try descriptor.readFully(at: start, into: $0) }
        end.removeLast(end.count - count)
        let begun = end.lastIndex(of: 0x0a).map { end[($0 + 1)...] } ?? end[...]
        begun.withUnsafeBytes { splitter.take($0) { _ in } }
        memory = end.suffix(Self.memoryLength)
        offset = UInt64(start) + UInt64(count)
    }

    /// Begins anew where the file was cut after it was copied away (logrotate's copytruncate). What was written
    /// between the last reading and the cut is in the copy alone.
    ///
    /// - Returns: whether it was cut.
    @discardableResult
    func noticeTruncation() throws -> Bool {
        guard try descriptor.status().size < offset || !stillHoldsMemory() else { return false }
        splitter.forget()
        memory = []
        // A writer that does not append goes on where it was, and leaves a hole before it.
        offset = UInt64(try descriptor.nextData(from: 0)?.lowerBound ?? 0)
        return true
    }

    private func stillHoldsMemory() throws -> Bool {
        try bytes(before: offset, atMost: memory.count) == memory
    }

    /// The bytes before a place in the file; fewer where it ends there.
    func bytes(before end: UInt64, atMost most: Int = LogFile.memoryLength) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(min(end, UInt64(most))))
        let start = Int64(end) - Int64(bytes.count)
        let count = try bytes.withUnsafeMutableBytes { try descriptor.readFully(at: start, into: $0) }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// By what a copy of the file is known.
    var mark: LogMark {
        let head = try? bytes(before: min(offset, UInt64(Self.memoryLength)))
        return LogMark(offset: offset, head: head ?? [], tail: memory)
    }

    /// When it was made; nil where the file system does not keep that.
    var birth: Timestamp? { descriptor.birth }

    var size: UInt64 { (try? descriptor.status().size) ?? 0 }

    /// Hands the lines that were written since to `body`.
    ///
    /// - Parameter buffer: working space: so much is read between two looks at the clock.
    /// - Returns: how many bytes were read.
    func read(
        until deadline: ContinuousClock.Instant, through buffer: UnsafeMutableRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(Errno) -> UInt64 {
        let start = offset
        repeat {
            let (raw, place) = (descriptor.rawValue, Int(offset))
            let count = try systemCall { Glibc.pread(raw, buffer.baseAddress!, buffer.count, place) }
            if count == 0 { break }
            // Lines that take long are left to the next reading, from the next one on.
            let end = max(deadline, .now + ReadingLimits.longestChunk)
            let taken = splitter.take(
                UnsafeRawBufferPointer(rebasing: buffer[..<count]),
                whileWanted: { line in
                    body(line)
                    return ContinuousClock.now < end
                })
            offset += UInt64(taken)
            memory = Array((memory + buffer[..<taken].suffix(Self.memoryLength)).suffix(Self.memoryLength))
        } while ContinuousClock.now < deadline
        return offset - start
    }

    /// Hands over a last line without an end: nothing more will be written.
    func finish(_ body: (UnsafeRawBufferPointer) -> Void) { splitter.finish(body) }

    /// What is not read yet.
    var remaining: UInt64 {
        let size = size
        return size > offset ? size - offset : 0
    }

    /// Whether a line was longer than what is searched of it.
    var hasCutLine: Bool { splitter.cutLines > 0 }
}
