// Reads and hashes one file, so that the digest belongs to a moment when the file stood still: its status is the same
// before and after. A file that changes meanwhile is read again. Each thread of TreeHashing has one FileHasher.

import Glibc
import SystemPackage

/// Hashes files, with one thread's buffer.
struct FileHasher: ~Copyable {
    /// The most that is read at once; files up to this size are read by one call.
    static let pieceSize = 1 << 20
    static let mostTries = 3

    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceSize, alignment: 4096)
    deinit { buffer.deallocate() }

    /// A file's content and the status that it belongs to.
    struct Result {
        var content: KnownContent
        var status: FileStatus
    }

    /// Reads the file `name` of `directory`.
    ///
    /// - Parameters:
    ///   - known: its status from the walk; another status is taken instead if that is what stands there now.
    ///   - withSHA256: whether its SHA-256 is wanted as well.
    ///   - onBytes: told how much was hashed; a negative number takes back what is read again.
    /// - Returns: nil if the file is gone, is no regular file any more, or will not hold still.
    mutating func hash(
        _ name: UnsafePointer<CChar>, in directory: Directory, known: FileStatus, withSHA256: Bool = false,
        onBytes: (Int) -> Void
    ) throws(Errno) -> Result? {
        for attempt in 0..<Self.mostTries {
            let file: FileDescriptor
            do { file = try directory.openFile(name, O_RDONLY | O_NONBLOCK) } catch {
                // The latter is what a socket gives.
                if error.isFromReplacedEntry || error == .noSuchAddressOrDevice { return nil }
                throw error
            }
            defer { try? file.close() }
            var status = try file.status()
            guard status.kind == .file else { return nil }
            if attempt > 0 || StatTuple(status) != StatTuple(known) {
                // A change in this very tick would leave no trace in the status.
                waitUntilSettled(status.changed)
                status = try file.status()
            }
            let (content, count) = try self.content(of: file, status, withSHA256, onBytes)
            if let content, try StatTuple(file.status()) == StatTuple(status) {
                return Result(content: content, status: status)
            }
            onBytes(-count)
        }
        return nil
    }

    /// The digests of `status.size` bytes, nil if there are fewer, and how many bytes were reported.
    private mutating func content(
        of file: FileDescriptor, _ status: FileStatus, _ withSHA256: Bool, _ onBytes: (Int) -> Void
    ) throws(Errno) -> (KnownContent?, Int) {
        let size = Int64(status.size)
        guard size > Int64(Self.pieceSize) else {
            let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(size)])
            let count = try file.readFully(at: 0, into: piece)
            onBytes(count)
            guard count == piece.count else { return (nil, count) }
            let bytes = UnsafeRawBufferPointer(piece)
            return (
                KnownContent(
                    digest: ContentDigest(of: bytes), sha256: withSHA256 ? SHA256Digest(of: bytes) : nil), count
            )
        }
        var hasher = ContentDigest.Hasher()
        var sum = SHA256Digest.Hasher256()
        var position: Int64 = 0
        var data = status.isSparse ? 0..<0 : 0..<size
        while position < size {
            if status.isSparse, position >= data.upperBound { data = try file.nextData(from: position) ?? size..<size }
            let isHole = position < data.lowerBound
            let end = min(isHole ? data.lowerBound : data.upperBound, size)
            let piece = UnsafeMutableRawBufferPointer(
                rebasing: buffer[..<Int(min(end - position, Int64(Self.pieceSize)))])
            if isHole {
                memset(piece.baseAddress!, 0, piece.count)
            } else if try file.readFully(at: position, into: piece) < piece.count {
                return (nil, Int(position))
            }
            hasher.update(UnsafeRawBufferPointer(piece))
            if withSHA256 { sum.update(UnsafeRawBufferPointer(piece)) }
            onBytes(piece.count)
            position += Int64(piece.count)
        }
        return (KnownContent(digest: hasher.digest(), sha256: withSHA256 ? sum.digest() : nil), Int(size))
    }
}

/// Waits until a change of what was last changed at `moment` would show in its status. A moment in the
/// future, from a clock that was set back, is not waited for.
func waitUntilSettled(_ moment: Timestamp) {
    let latest = Timestamp.fileClock.adding(nanoseconds: 3_000_000_000)
    var pause = timespec(tv_sec: 0, tv_nsec: Int(Timestamp.fileClockTick))
    while moment < latest, moment.isUnsettled(at: .fileClock), .fileClock < latest { nanosleep(&pause, nil) }
}
