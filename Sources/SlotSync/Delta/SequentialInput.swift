// Reads a file or a stream from its start to its end, each byte once. A file that changes or shrinks meanwhile gives
// an error or a wrong digest, never a fault. All inputs of the delta engine are read with it.

import SystemPackage

/// Bytes in order from a descriptor, buffered for small reads.
struct SequentialInput: ~Copyable {
    /// The path, for errors.
    let name: String
    private let descriptor: FileDescriptor
    /// Where to read in a file; nil for what has no positions (pipes, terminals).
    private var offset: Int64?
    private var buffer: [UInt8] = []
    private var consumed = 0

    private static let bufferLength = 64 * 1024

    init(_ descriptor: FileDescriptor, name: String) {
        self.name = name
        self.descriptor = descriptor
        offset = try? descriptor.seek(offset: 0, from: .current)
    }

    /// Fills `target` as far as there is input; fewer bytes mean the end.
    mutating func read(into target: UnsafeMutableRawBufferPointer) throws(SlotSyncError) -> Int {
        var filled = min(buffer.count - consumed, target.count)
        buffer.withUnsafeBytes {
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[consumed..<consumed + filled]))
        }
        consumed += filled
        while filled < target.count {
            let count = try readOnce(UnsafeMutableRawBufferPointer(rebasing: target[filled...]))
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    /// The next byte, or nil at the end.
    mutating func byte() throws(SlotSyncError) -> UInt8? {
        if consumed == buffer.count {
            var fresh = [UInt8](repeating: 0, count: Self.bufferLength)
            let count = try fresh.withUnsafeMutableBufferPointer { (space) throws(SlotSyncError) in
                try readOnce(UnsafeMutableRawBufferPointer(space))
            }
            fresh.removeSubrange(count...)
            buffer = fresh
            consumed = 0
            if count == 0 { return nil }
        }
        defer { consumed += 1 }
        return buffer[consumed]
    }

    /// Exactly `count` bytes; `count` is the caller's to bound.
    mutating func bytes(_ count: Int) throws(SlotSyncError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let got = try bytes.withUnsafeMutableBufferPointer { (space) throws(SlotSyncError) in
            try read(into: UnsafeMutableRawBufferPointer(space))
        }
        guard got == count else { throw SlotSyncError(.corrupt, "\(name) is damaged: it ends too early") }
        return bytes
    }

    /// All that is left, refused if it is more than `bound`.
    mutating func rest(atMost bound: UInt64) throws(SlotSyncError) -> [UInt8] {
        var bytes: [UInt8] = []
        while let byte = try byte() {
            bytes.append(byte)
            bytes.append(contentsOf: buffer[consumed...])
            consumed = buffer.count
            guard bytes.count <= bound else {
                throw SlotSyncError(.badInput, "\(name) is too long: more than \(bound) bytes")
            }
        }
        return bytes
    }

    private mutating func readOnce(_ target: UnsafeMutableRawBufferPointer) throws(SlotSyncError) -> Int {
        do {
            guard let position = offset else { return try descriptor.readPatiently(into: target) }
            let count = try descriptor.read(fromAbsoluteOffset: position, into: target)
            offset = position + Int64(count)
            return count
        } catch {
            throw SlotSyncError(.system, "cannot read \(name)", errno: error as? Errno)
        }
    }
}
