// zlib's raw deflate in typed form. One call makes one independent block, and one call inflates one. Delta files and
// patch frames use it. A stream's state (270 kB for deflate) is made once and reset between blocks. The caller
// records sizes: inflating needs the exact size, and never makes more.

import CZlib

/// Compresses independent blocks, each without header or checksum (RFC 1951). What would not become shorter is stored in them.
struct Deflater: ~Copyable {
    // On the heap, because zlib's state points back at its stream.
    private let stream: UnsafeMutablePointer<z_stream>
    private let output: UnsafeMutableRawBufferPointer
    private let level: Int32
    private var estimate = CompressionEstimate()

    /// `level`: 1 (fast) to 9 (small), 0 to store; what lies outside counts as the nearest of these.
    init(level: Int32) {
        self.level = min(max(level, 0), 9)
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        output = .allocate(byteCount: deflateOutputStep, alignment: 16)
        let status = deflateInit2_(
            stream, self.level, Z_DEFLATED, rawWindowBits, 9, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { fatalError("zlib cannot start deflating (\(status)): out of memory") }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
        output.deallocate()
    }

    /// Appends one block that holds `bytes`. A `dictionary` (its last 32 kB count) is what the bytes
    /// probably resemble; the inflater must be given the same.
    mutating func deflate(
        _ bytes: UnsafeRawBufferPointer, dictionary: UnsafeRawBufferPointer? = nil, into block: inout [UInt8]
    ) {
        deflate(bytes, estimate.runs(of: bytes), dictionary: dictionary, into: &block)
    }

    /// The same, but for bytes of which nothing would become shorter.
    ///
    /// - Returns: whether there is a block.
    mutating func deflateIfWorth(_ bytes: UnsafeRawBufferPointer, into block: inout [UInt8]) -> Bool {
        guard level > 0 else { return false }
        let runs = estimate.runs(of: bytes)
        guard runs.contains(where: \.isWorth) else { return false }
        deflate(bytes, runs, dictionary: nil, into: &block)
        return true
    }

    private func deflate(
        _ bytes: UnsafeRawBufferPointer, _ runs: [CompressionEstimate.Run], dictionary: UnsafeRawBufferPointer?,
        into block: inout [UInt8]
    ) {
        // zlib would copy it twice.
        guard runs.contains(where: \.isWorth) else { return store(bytes, into: &block) }
        deflateReset(stream)
        if let dictionary, let base = dictionary.baseAddress {
            deflateSetDictionary(stream, base.assumingMemoryBound(to: UInt8.self), UInt32(dictionary.count))
        }
        for run in runs {
            take(into: &block) { [level] in deflateParams($0, run.isWorth ? level : 0, Z_DEFAULT_STRATEGY) == Z_OK }
            var input = InputSteps(UnsafeRawBufferPointer(rebasing: bytes[run.range]))
            while !input.isDrained {
                input.refill(stream)
                take(into: &block) { stream in
                    precondition(CZlib.deflate(stream, Z_NO_FLUSH) == Z_OK, "zlib deflate")
                    return stream.pointee.avail_in == 0
                }
            }
        }
        take(into: &block) { stream in
            let status = CZlib.deflate(stream, Z_FINISH)
            // With room always at hand, no other status can come from a sound state.
            precondition(status == Z_OK || status == Z_STREAM_END, "zlib deflate: \(status)")
            return status == Z_STREAM_END
        }
    }

    /// Appends stored blocks (RFC 1951, 3.2.4), the last of which ends the stream.
    private func store(_ bytes: UnsafeRawBufferPointer, into block: inout [UInt8]) {
        let longest = 65_535
        block.reserveCapacity(block.count + bytes.count + (bytes.count / longest + 1) * 5)
        var rest = bytes[...]
        repeat {
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(longest))
            rest = rest.dropFirst(longest)
            block.append(rest.isEmpty ? 1 : 0)
            for length in [UInt16(piece.count), ~UInt16(piece.count)] {
                withUnsafeBytes(of: length.littleEndian) { block.append(contentsOf: $0) }
            }
            block.append(contentsOf: piece)
        } while !rest.isEmpty
    }

    /// Calls zlib until it has nothing more to say, with room for what it makes.
    private func take(into block: inout [UInt8], _ isDone: (UnsafeMutablePointer<z_stream>) -> Bool) {
        var goesOn = true
        while goesOn {
            stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = UInt32(output.count)
            goesOn = !isDone(stream)
            let made = output.count - Int(stream.pointee.avail_out)
            block.append(contentsOf: UnsafeRawBufferPointer(rebasing: output[..<made]))
        }
    }
}

/// Takes apart what Deflater made, bounded by the size that the format around it declares.
struct Inflater: ~Copyable {
    private let stream: UnsafeMutablePointer<z_stream>
    private let output: UnsafeMutableRawBufferPointer

    init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        output = .allocate(byteCount: deflateOutputStep, alignment: 16)
        let status = inflateInit2_(stream, rawWindowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { fatalError("zlib cannot start inflating (\(status)): out of memory") }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        output.deallocate()
    }

    /// Appends the `count` bytes that the block `bytes` holds. Throws if the block is damaged, holds fewer
    /// or more, or is followed by anything; `result` is then as long as it was.
    mutating func inflate(
        _ bytes: UnsafeRawBufferPointer, dictionary: UnsafeRawBufferPointer? = nil, into result: inout [UInt8],
        exactly count: Int
    ) throws(SlotSyncError) {
        // A block cannot hold more than 1032 bytes a byte, so a lie about `count` reserves nothing.
        guard count >= 0, count / 1032 <= bytes.count else { throw damaged("it is too short") }
        inflateReset(stream)
        if let dictionary, let base = dictionary.baseAddress {
            inflateSetDictionary(stream, base.assumingMemoryBound(to: UInt8.self), UInt32(dictionary.count))
        }
        let start = result.count
        // Exact room for each of many blocks would move all that is there each time.
        if start == 0 { result.reserveCapacity(count) }
        do throws(SlotSyncError) {
            try inflate(bytes, upTo: count, into: &result)
        } catch {
            result.removeSubrange(start...)
            throw error
        }
    }

    private mutating func inflate(
        _ bytes: UnsafeRawBufferPointer, upTo count: Int, into result: inout [UInt8]
    ) throws(SlotSyncError) {
        var input = InputSteps(bytes)
        var left = count
        while true {
            input.refill(stream)
            // The end of the block may still be to come when all bytes are there: room for one byte too
            // many lets zlib go on, and shows a block that holds more.
            let room = min(output.count, left + 1)
            stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = UInt32(room)
            let status = CZlib.inflate(stream, Z_NO_FLUSH)
            let made = room - Int(stream.pointee.avail_out)
            guard made <= left else { throw damaged("it holds more than the \(count) bytes declared") }
            result.append(contentsOf: UnsafeRawBufferPointer(rebasing: output[..<made]))
            left -= made
            switch status {
            case Z_STREAM_END:
                guard left == 0 else { throw damaged("\(left) of \(count) bytes are missing") }
                guard input.isDrained, stream.pointee.avail_in == 0 else { throw damaged("something follows it") }
                return
            case Z_OK: continue
            case Z_BUF_ERROR: throw damaged("it ends too early")
            default: throw damaged("zlib says \(status)")
            }
        }
    }

    private func damaged(_ how: String) -> SlotSyncError {
        SlotSyncError(.corrupt, "a compressed block is damaged: \(how)")
    }
}

/// Hands bytes to zlib in steps, since it counts what it is given in 32 bits.
private struct InputSteps {
    private var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

    /// Whether zlib has been given everything.
    var isDrained: Bool { rest.isEmpty }

    private static let step = 1 << 30

    mutating func refill(_ stream: UnsafeMutablePointer<z_stream>) {
        guard stream.pointee.avail_in == 0 else { return }
        let count = min(rest.count, Self.step)
        // zlib's type says that it may write to its input; it does not.
        stream.pointee.next_in = UnsafeMutablePointer(mutating: rest.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(count)
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
}

private let rawWindowBits: Int32 = -15
private let deflateOutputStep = 64 * 1024
