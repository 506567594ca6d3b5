// Makes content from a frame's instructions: literals, zeros, and copies from a basis. Instructions may be as small as a few
// bytes each, so neither reading nor writing takes a system call for each of them: the basis is read through windows
// that stay, and what is made gathers in one buffer. The basis is read, not mapped: a file that somebody truncates
// meanwhile gives wrong content, which its digest tells, and no signal.

import Glibc
import SystemPackage

/// Content that copies are made from; closed when the last user lets go of it.
final class BasisFile {
    /// Nil: what was proposed is gone. Copies give zeros, the digest will be wrong, and the content comes again.
    fileprivate let file: FileDescriptor?
    let length: UInt64

    init(_ source: SourceFile?) {
        file = source?.descriptor
        length = source?.status.size ?? UInt64(Int64.max)
    }

    deinit { try? file?.close() }
}

/// One buffer for what is made, and the windows that bases are read through.
final class ContentMaker {
    /// An item up to this size is made as a whole.
    static let bufferSize = 256 << 10
    /// Runs of zeros from here on are told apart, where holes are to be holes.
    private static let shortestHole: UInt64 = 4096

    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferSize, alignment: 64)
    private var filled = 0
    private var windows = BasisWindows()

    deinit { buffer.deallocate() }

    /// Makes the content of an item that fits the buffer, and calls `body` with it.
    func whole<Result>(
        _ item: PatchItem, from basis: BasisFile?, _ reader: inout InstructionReader,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        precondition(item.length <= UInt64(Self.bufferSize))
        try make(item, from: basis, &reader, writeHole: nil) { _ in preconditionFailure("an item outgrew its length") }
        return try body(UnsafeRawBufferPointer(rebasing: buffer[..<filled]))
    }

    /// Makes an item's content piece by piece.
    ///
    /// - Parameters:
    ///   - writeHole: takes the length of a run of zeros; nil if these are content like any other.
    ///   - write: takes what comes next; valid during the call.
    func pieces(
        of item: PatchItem, from basis: BasisFile?, _ reader: inout InstructionReader,
        writeHole: ((UInt64) throws -> Void)?, write: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        try make(item, from: basis, &reader, writeHole: writeHole, write: write)
        try flush(write)
    }

    private func make(
        _ item: PatchItem, from basis: BasisFile?, _ reader: inout InstructionReader,
        writeHole: ((UInt64) throws -> Void)?, write: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        filled = 0
        reader.beginItem(contentLength: item.length, basisLength: basis?.length ?? 0)
        while true {
            switch try reader.next() {
            case .end: return
            case .literal(let bytes): try bytes.withUnsafeBytes { try append($0, write) }
            case .copy(let offset, let length):
                if let basis { try append(basis, from: offset, length, write) }
            case .add(let offset, let differences):
                try differences.withUnsafeBytes { differences in
                    if let basis {
                        try append(basis, from: offset, UInt64(differences.count), adding: differences, write)
                    }
                }
            case .zeros(let length):
                if let writeHole, length >= Self.shortestHole {
                    try flush(write)
                    try writeHole(length)
                } else {
                    try ZeroRun.forEachPiece(of: length) { try append($0, write) }
                }
            }
        }
    }

    private func flush(_ write: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard filled > 0 else { return }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<filled])
        filled = 0
        try write(bytes)
    }

    private func append(_ bytes: UnsafeRawBufferPointer, _ write: (UnsafeRawBufferPointer) throws -> Void) throws {
        var rest = bytes
        while !rest.isEmpty {
            if filled == buffer.count { try flush(write) }
            let count = min(rest.count, buffer.count - filled)
            memcpy(buffer.baseAddress! + filled, rest.baseAddress!, count)
            filled += count
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// - Parameter differences: what is added to the basis's bytes, one for each; nil: nothing.
    private func append(
        _ basis: BasisFile, from offset: UInt64, _ length: UInt64, adding differences: UnsafeRawBufferPointer? = nil,
        _ write: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        var (offset, left) = (offset, length)
        while left > 0 {
            if filled == buffer.count { try flush(write) }
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...].prefix(Int(clamping: left)))
            let count: Int
            if room.count >= BasisWindows.length {
                count = room.count
                try BasisWindows.read(basis, at: offset, into: room)
            } else {
                let bytes = try windows.bytes(of: basis, from: offset)
                count = min(bytes.count, room.count)
                memcpy(room.baseAddress!, bytes.baseAddress!, count)
            }
            if let differences {
                let start = differences.count - Int(left)
                room.add(UnsafeRawBufferPointer(rebasing: differences[start..<start + count]))
            }
            filled += count
            offset += UInt64(count)
            left -= UInt64(count)
        }
    }
}

/// Parts of bases that were read and may be asked for again. Each part has one place that it can be in.
private struct BasisWindows: ~Copyable {
    static let length = 16 << 10
    private static let count = 16

    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: length * count, alignment: 4096)
    /// Which part of which basis each window shows. The reference keeps a basis from giving its place to another.
    private var shown: [(basis: BasisFile, part: UInt64)?] = Array(repeating: nil, count: count)

    deinit { buffer.deallocate() }

    /// The basis's bytes from `offset` to the end of their window, at least one.
    mutating func bytes(of basis: BasisFile, from offset: UInt64) throws(Errno) -> UnsafeRawBufferPointer {
        let part = offset / UInt64(Self.length)
        let place = Int(part % UInt64(Self.count))
        let start = place * Self.length
        if shown[place].map({ $0.basis !== basis || $0.part != part }) ?? true {
            shown[place] = nil
            let window = UnsafeMutableRawBufferPointer(rebasing: buffer[start..<start + Self.length])
            try Self.read(basis, at: part * UInt64(Self.length), into: window)
            shown[place] = (basis, part)
        }
        let skipped = Int(offset % UInt64(Self.length))
        return UnsafeRawBufferPointer(rebasing: buffer[start + skipped..<start + Self.length])
    }

    /// Reads from a basis; what it has not is zeros.
    static func read(_ basis: BasisFile, at offset: UInt64, into room: UnsafeMutableRawBufferPointer) throws(Errno) {
        let count = try basis.file?.readFully(at: Int64(offset), into: room) ?? 0
        if count < room.count { memset(room.baseAddress! + count, 0, room.count - count) }
    }
}
