// The file that instructions copy from, and the windows through which ContentMaker reads it: short copies, mostly one
// after the other, share one read. The file is read, not mapped: if somebody truncates it meanwhile, bytes are
// missing, and no signal is raised.

import Glibc
import SystemPackage

/// An open basis; closed when the last user lets go of it.
final class BasisFile {
    /// Nil if the basis cannot be opened, or is not what it was: then no byte of it can be read.
    let file: FileDescriptor?
    /// How long the basis is for whoever wrote the instructions. The file may be shorter by now.
    let length: UInt64

    /// - Parameter file: closed with this.
    init(_ file: FileDescriptor?, length: UInt64) {
        self.file = file
        self.length = length
    }

    deinit { try? file?.close() }

    /// Fills `room` with the bytes at `offset`; returns how many there are, fewer only at the file's end.
    func read(at offset: UInt64, into room: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
        try file?.readFully(at: Int64(offset), into: room) ?? 0
    }
}

/// Parts of bases that were read and may be asked for again. Each part has one window that it can be in.
struct BasisWindows: ~Copyable {
    private static let length = 16 << 10
    private static let count = 16

    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: length * count, alignment: 4096)
    /// Which part of which basis each window shows, and how many bytes that part has. The reference keeps another basis
    /// from getting this one's address.
    private var shown: [(basis: BasisFile, part: UInt64, count: Int)?] = Array(repeating: nil, count: count)

    deinit { buffer.deallocate() }

    /// Fills the beginning of `room` with the basis's bytes at `offset`; returns how many, 0 only at the basis's end.
    mutating func read(
        _ basis: BasisFile, at offset: UInt64, into room: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        guard room.count < Self.length else { return try basis.read(at: offset, into: room) }
        let bytes = try bytes(of: basis, from: offset)
        let count = min(bytes.count, room.count)
        if count > 0 { memcpy(room.baseAddress!, bytes.baseAddress!, count) }
        return count
    }

    /// The basis's bytes from `offset` to the end of their window, as far as there are any.
    private mutating func bytes(of basis: BasisFile, from offset: UInt64) throws(Errno) -> UnsafeRawBufferPointer {
        let part = offset / UInt64(Self.length)
        let index = Int(part % UInt64(Self.count))
        let start = index * Self.length
        if shown[index].map({ $0.basis !== basis || $0.part != part }) ?? true {
            shown[index] = nil
            let window = UnsafeMutableRawBufferPointer(rebasing: buffer[start..<start + Self.length])
            let count = try basis.read(at: part * UInt64(Self.length), into: window)
            shown[index] = (basis, part, count)
        }
        let skipped = Int(offset % UInt64(Self.length))
        let end = max(shown[index]?.count ?? 0, skipped)
        return UnsafeRawBufferPointer(rebasing: buffer[start + skipped..<start + end])
    }
}
