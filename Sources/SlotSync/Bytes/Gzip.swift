// The gzip format (RFC 1952). A host unpacks the agent with its own `gzip` when the agent is installed; the format's
// CRC finds damage on the way.

import CZlib

/// `bytes` as a gzip file.
func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var stream = z_stream()
    // 16 above the window's bits asks for gzip's header and checksum.
    let status = deflateInit2_(
        &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        Int32(MemoryLayout<z_stream>.size))
    guard status == Z_OK, bytes.count <= Int32.max else { fatalError("zlib cannot start deflating (\(status))") }
    defer { deflateEnd(&stream) }
    var input = bytes
    return [UInt8](unsafeUninitializedCapacity: Int(deflateBound(&stream, UInt(bytes.count)))) { output, count in
        input.withUnsafeMutableBufferPointer { input in
            stream.next_in = input.baseAddress
            stream.avail_in = UInt32(input.count)
            stream.next_out = output.baseAddress
            stream.avail_out = UInt32(output.count)
            // With room for the worst case, one call makes it all.
            let status = deflate(&stream, Z_FINISH)
            precondition(status == Z_STREAM_END, "zlib deflate: \(status)")
            count = output.count - Int(stream.avail_out)
        }
    }
}
