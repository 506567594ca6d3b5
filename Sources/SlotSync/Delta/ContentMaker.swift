// Carries out instructions: literals, zeros and copies from a basis become content. `slotsync patch` makes its result
// with it, and a host the files of patch frames. An instruction may be as short as a few bytes, so neither reading
// nor writing takes a system call for each: bases are read through windows that stay, and the content gathers in one
// buffer.

import Glibc
import SystemPackage

/// Why content could not be made.
enum ContentFailure: Error {
    /// The instructions are damaged.
    case instructions(SlotSyncError)
    /// They copy from beyond the basis. All of them have been taken from the reader, as below.
    case outside(SlotSyncError)
    /// The basis cannot be read, or (nil) ends before a byte that is copied. All instructions of the content have been
    /// taken from the reader, so that the next item can be read.
    case basis(Errno?)
    /// The content cannot be written.
    case output(Errno)
}

/// Makes one content after the other with one buffer.
final class ContentMaker {
    /// Content up to this length can be made as a whole.
    static let bufferSize = 256 << 10

    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferSize, alignment: 64)
    private var filled = 0
    private var windows = BasisWindows()

    deinit { buffer.deallocate() }

    /// Makes content of at most `bufferSize` bytes in memory.
    ///
    /// - Parameter basis: nil if nothing may be copied.
    /// - Returns: the content, valid until the next call.
    func whole(
        _ length: UInt64, from basis: BasisFile?, _ instructions: inout InstructionReader
    ) throws(ContentFailure) -> UnsafeRawBufferPointer {
        precondition(length <= UInt64(Self.bufferSize))
        try make(length, from: basis, &instructions, nil)
        return UnsafeRawBufferPointer(rebasing: buffer[..<filled])
    }

    /// Makes content of any length and appends it to `output`.
    ///
    /// - Parameter basis: nil if nothing may be copied.
    func append(
        _ length: UInt64, from basis: BasisFile?, _ instructions: inout InstructionReader, to output: ContentOutput
    ) throws(ContentFailure) {
        try make(length, from: basis, &instructions, output)
        try flush(output)
    }

    /// - Parameter output: takes what the buffer has no room for; nil if there is room for all.
    private func make(
        _ length: UInt64, from basis: BasisFile?, _ instructions: inout InstructionReader, _ output: ContentOutput?
    ) throws(ContentFailure) {
        filled = 0
        instructions.beginItem(contentLength: length, basisLength: basis?.length)
        do {
            while let step = try next(&instructions) { try carryOut(step, basis, output) }
        } catch {
            switch error {
            case .basis, .outside: while try next(&instructions) != nil {}
            case .instructions, .output: break
            }
            throw error
        }
    }

    private func next(_ instructions: inout InstructionReader) throws(ContentFailure) -> InstructionReader.Step? {
        do { return try instructions.next() } catch { throw .instructions(error) }
    }

    private func carryOut(
        _ step: InstructionReader.Step, _ basis: BasisFile?, _ output: ContentOutput?
    ) throws(ContentFailure) {
        switch step {
        case .literal(let bytes):
            try bytes.withUnsafeBufferPointer { (bytes) throws(ContentFailure) in
                try append(UnsafeRawBufferPointer(bytes), output)
            }
        case .copy(let offset, let length):
            try append(basis, from: offset, length, output)
        case .add(let offset, let differences):
            try differences.withUnsafeBufferPointer { (differences) throws(ContentFailure) in
                let differences = UnsafeRawBufferPointer(differences)
                try append(basis, from: offset, UInt64(differences.count), adding: differences, output)
            }
        case .outside(let error): throw .outside(error)
        case .zeros(let length):
            if let output, let shortest = output.shortestHole, length >= shortest {
                try flush(output)
                do { try output.appendHole(length) } catch { throw .output(error) }
            } else {
                try ZeroRun.forEachPiece(of: length) { (zeros) throws(ContentFailure) in try append(zeros, output) }
            }
        }
    }

    private func flush(_ output: ContentOutput?) throws(ContentFailure) {
        guard let output else { preconditionFailure("content outgrew its length") }
        guard filled > 0 else { return }
        do { try output.append(UnsafeRawBufferPointer(rebasing: buffer[..<filled])) } catch { throw .output(error) }
        filled = 0
    }

    private func append(_ bytes: UnsafeRawBufferPointer, _ output: ContentOutput?) throws(ContentFailure) {
        var rest = bytes
        while !rest.isEmpty {
            if filled == buffer.count { try flush(output) }
            let count = min(rest.count, buffer.count - filled)
            memcpy(buffer.baseAddress! + filled, rest.baseAddress!, count)
            filled += count
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// - Parameter differences: what is added to the basis's bytes, one for each; nil: nothing.
    private func append(
        _ basis: BasisFile?, from offset: UInt64, _ length: UInt64, adding differences: UnsafeRawBufferPointer? = nil,
        _ output: ContentOutput?
    ) throws(ContentFailure) {
        guard let basis else { throw .basis(nil) }
        var (offset, left) = (offset, length)
        while left > 0 {
            if filled == buffer.count { try flush(output) }
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...].prefix(Int(clamping: left)))
            let count: Int
            do { count = try windows.read(basis, at: offset, into: room) } catch { throw .basis(error) }
            guard count > 0 else { throw .basis(nil) }
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

extension UnsafeMutableRawBufferPointer {
    /// Adds to each byte its difference, modulo 256.
    fileprivate func add(_ differences: UnsafeRawBufferPointer) {
        precondition(differences.count <= count)
        for index in 0..<differences.count { self[index] &+= differences[index] }
    }
}
