// Copies content within a host: by a reflink where the file system has them, by copy_file_range elsewhere, and by
// reading and writing where neither works, whatever error these give, and from where they came to. Holes stay holes. SlotFiller copies with it.

import Glibc
import SystemPackage

/// Why a copy was not made.
enum CopyFailure: Error {
    /// The source cannot be read, or is shorter than it was.
    case source
    case destination(Errno)
}

/// Copies files of one file system; remembers what it cannot do.
struct FileCopy {
    private var canClone = true
    private var canCopyRange = true
    /// Below this a read and a write are cheaper than the system calls that avoid them.
    private static let small = 16 * 1024
    private static let step = 128 << 20
    /// Called after each step of a copy that takes several.
    var onStep: () -> Void = {}

    /// Makes `to`, which is new and empty, hold the `size` bytes of `from`.
    mutating func copy(from: FileDescriptor, to: FileDescriptor, size: UInt64, isSparse: Bool) throws(CopyFailure) {
        guard size > 0 else { return }
        if canClone && size > Self.small {
            do {
                try to.clone(from: from)
                return
            } catch {
                // Any other error may be of either file: reading and writing tell of which.
                if Self.meansUnsupported(error) { canClone = false }
            }
        }
        if isSparse {
            var position: Int64 = 0
            while let data = try reading({ () throws(Errno) in try from.nextData(from: position) }) {
                try copyRange(from: from, to: to, data)
                position = data.upperBound
            }
            try writing { () throws(Errno) in try to.setLength(Int64(size)) }
        } else {
            try copyRange(from: from, to: to, 0..<Int64(size))
        }
    }

    private mutating func copyRange(
        from: FileDescriptor, to: FileDescriptor, _ range: Range<Int64>
    ) throws(CopyFailure) {
        var position = range.lowerBound
        while canCopyRange && range.count > Self.small && position < range.upperBound {
            let length = min(Int(range.upperBound - position), Self.step)
            let count: Int
            do { count = try to.copyRange(from: from, at: position, length: length) } catch {
                if Self.meansUnsupported(error) { canCopyRange = false }
                break
            }
            if count == 0 {
                // The source's end; or a file system, or a sandbox, that copies nothing and calls it no error.
                canCopyRange = false
                break
            }
            position += Int64(count)
            if position < range.upperBound { onStep() }
        }
        guard position < range.upperBound else { return }
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: min(Int(range.upperBound - position), 256 * 1024), alignment: 64)
        defer { buffer.deallocate() }
        while position < range.upperBound {
            let wanted = min(Int(range.upperBound - position), buffer.count)
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
            let count = try reading { () throws(Errno) in try from.readFully(at: position, into: part) }
            if count == 0 { throw .source }
            try writing { () throws(Errno) in
                try to.writeFully(UnsafeRawBufferPointer(rebasing: buffer[..<count]), at: position)
            }
            position += Int64(count)
            if position < range.upperBound { onStep() }
        }
    }

    private func reading<T>(_ read: () throws(Errno) -> T) throws(CopyFailure) -> T {
        do { return try read() } catch { throw .source }
    }

    private func writing(_ write: () throws(Errno) -> Void) throws(CopyFailure) {
        do { try write() } catch { throw .destination(error) }
    }

    private static func meansUnsupported(_ error: Errno) -> Bool {
        [.notSupported, .improperLink, .invalidArgument, .noFunction, .inappropriateIOCTLForDevice, .notPermitted]
            .contains(error) || error == Errno(rawValue: EOPNOTSUPP)
    }
}
