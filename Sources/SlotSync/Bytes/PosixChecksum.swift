// What the command `cksum` says of a file, which every host has: so a host tells whether a program is there already, with
// no program of ours. The format: POSIX, cksum.

enum PosixChecksum {
    /// The remainders of all bytes by the polynomial of ISO 8802-3, the highest bit first.
    private static let table: [UInt32] = (0..<256).map { (byte: UInt32) in
        (0..<8).reduce(byte << 24) { rest, _ in rest & 0x8000_0000 == 0 ? rest << 1 : rest << 1 ^ 0x04c1_1db7 }
    }

    /// The sum and the length, with a space between them.
    static func text(of bytes: [UInt8]) -> String {
        var sum: UInt32 = 0
        table.withUnsafeBufferPointer { table in
            func add(_ byte: UInt8) { sum = sum << 8 ^ table[Int(UInt8(truncatingIfNeeded: sum >> 24) ^ byte)] }
            bytes.withUnsafeBufferPointer { for byte in $0 { add(byte) } }
            // The length follows, its lowest byte first, without zeros at the end.
            var length = bytes.count
            while length > 0 {
                add(UInt8(truncatingIfNeeded: length))
                length >>= 8
            }
        }
        return "\(~sum) \(bytes.count)"
    }
}
