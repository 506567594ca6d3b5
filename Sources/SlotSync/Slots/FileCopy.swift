// Content copied within a host: a reflink where the file system has them, copy_file_range elsewhere,
// read and write where neither works. Holes stay holes.

import Glibc
import SystemPackage

/// Copies files of one file system; remembers what it cannot do.
struct FileCopy {
    private var canClone = true
    private var canCopyRange = true
    /// Below this a read and a write are cheaper than the system calls that avoid them.
    private static let small = 16 * 1024
    private static let step = 1 << 30

    /// Makes `to`, which is new and empty, hold the `size` bytes of `from`.
    mutating func copy(from: FileDescriptor, to: FileDescriptor, size: UInt64, isSparse: Bool) throws(Errno) {
        guard size > 0 else { return }
        if canClone && size > Self.small {
            do {
                try to.clone(from: from)
                return
            } catch {
                guard Self.meansUnsupported(error) else { throw error }
                canClone = false
            }
        }
        if isSparse {
            var position: Int64 = 0
            while let data = try from.nextData(from: position) {
                try copyRange(from: from, to: to, data)
                position = data.upperBound
            }
            try to.setLength(Int64(size))
        } else {
            try copyRange(from: from, to: to, 0..<Int64(size))
        }
    }

    private mutating func copyRange(
        from: FileDescriptor, to: FileDescriptor, _ range: Range<Int64>
    ) throws(Errno) {
        var position = range.lowerBound
        while canCopyRange && range.count > Self.small && position < range.upperBound {
            do {
                let length = min(Int(range.upperBound - position), Self.step)
                let count = try to.copyRange(from: from, at: position, length: length)
                if count == 0 { return }
                position += Int64(count)
            } catch {
                guard Self.meansUnsupported(error) else { throw error }
                canCopyRange = false
            }
        }
        guard position < range.upperBound else { return }
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: min(Int(range.upperBound - position), 256 * 1024), alignment: 64)
        defer { buffer.deallocate() }
        while position < range.upperBound {
            let wanted = min(Int(range.upperBound - position), buffer.count)
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
            let count = try from.readFully(at: position, into: part)
            if count == 0 { return }
            try to.writeFully(UnsafeRawBufferPointer(rebasing: buffer[..<count]), at: position)
            position += Int64(count)
        }
    }

    private static func meansUnsupported(_ error: Errno) -> Bool {
        [.notSupported, .improperLink, .invalidArgument, .noFunction, .inappropriateIOCTLForDevice, .notPermitted]
            .contains(error) || error == Errno(rawValue: EOPNOTSUPP)
    }
}
