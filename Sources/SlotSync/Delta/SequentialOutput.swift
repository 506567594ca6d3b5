// Writes content from its start to its end and knows its digest: what `slotsync patch` and its siblings make
// goes through here. Long runs of zeros become holes where the output is a fresh regular file.

import SystemPackage

/// A buffered output that digests what is written.
struct SequentialOutput: ~Copyable {
    /// The path, for errors.
    let name: String
    private let descriptor: FileDescriptor
    private let makesHoles: Bool
    private var hasher = ContentDigest.Hasher()
    private let buffer: UnsafeMutableRawBufferPointer
    private var filled = 0
    private var hasTrailingHole = false
    private(set) var count: UInt64 = 0

    private static let bufferLength = 1 << 20
    /// Shorter runs of zeros are written: a hole costs the file system an extent.
    private static let minimumHole: UInt64 = 64 * 1024

    /// `makesHoles`: `descriptor` is an empty regular file, positioned at its start.
    init(_ descriptor: FileDescriptor, name: String, makesHoles: Bool) {
        self.descriptor = descriptor
        self.name = name
        self.makesHoles = makesHoles
        buffer = .allocate(byteCount: Self.bufferLength, alignment: 4096)
    }

    deinit { buffer.deallocate() }

    /// Appends up to `limit` bytes, which `fill` writes into the space it is given; it returns how many.
    mutating func append(
        atMost limit: UInt64,
        _ fill: (UnsafeMutableRawBufferPointer) throws(SlotSyncError) -> Int
    ) throws(SlotSyncError) -> Int {
        if filled == buffer.count { try flush() }
        let space = min(UInt64(buffer.count - filled), limit)
        let made = try fill(UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<filled + Int(space)]))
        filled += made
        count += UInt64(made)
        return made
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) throws(SlotSyncError) {
        var rest = bytes
        while !rest.isEmpty {
            let made = try append(atMost: UInt64(rest.count)) { (space) throws(SlotSyncError) in
                space.copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<space.count]))
                return space.count
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[made...])
        }
    }

    mutating func appendZeros(_ length: UInt64) throws(SlotSyncError) {
        var rest = length
        if makesHoles, length >= Self.minimumHole {
            try flush()
            buffer.initializeMemory(as: UInt8.self, repeating: 0)
            while rest > 0 {
                let step = min(rest, UInt64(buffer.count))
                hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<Int(step)]))
                rest -= step
            }
            count += length
            try attempt { _ = try descriptor.seek(offset: Int64(length), from: .current) }
            hasTrailingHole = true
            return
        }
        while rest > 0 {
            rest -= UInt64(
                try append(atMost: rest) { (space) throws(SlotSyncError) in
                    space.initializeMemory(as: UInt8.self, repeating: 0)
                    return space.count
                })
        }
    }

    /// Writes what is left, and returns the digest of all that was appended.
    mutating func finish() throws(SlotSyncError) -> ContentDigest {
        try flush()
        if hasTrailingHole { try attempt { try descriptor.resize(to: Int64(count)) } }
        return hasher.digest()
    }

    private mutating func flush() throws(SlotSyncError) {
        guard filled > 0 else { return }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<filled])
        hasher.update(bytes)
        filled = 0
        try attempt { _ = try descriptor.writeAll(bytes) }
        hasTrailingHole = false
    }

    private func attempt(_ operation: () throws -> Void) throws(SlotSyncError) {
        do { try operation() } catch {
            let errno = error as? Errno
            throw SlotSyncError(errno == .noSpace ? .diskFull : .system, "cannot write \(name)", errno: errno)
        }
    }
}
