// XXH3-128. It names content everywhere (manifest entries, the release ID, bases), and every transfer is checked by
// it. At 15 GB/s it is computed over every byte that is read or written. It is no cryptographic digest: it finds
// damage and tells contents apart, but authenticates nothing.

import CXXHash

/// The 128-bit XXH3 digest of some bytes, as the xxHash specification defines it (seed 0).
public struct ContentDigest: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The half that is written first.
    public let high: UInt64
    /// The half that is written last.
    public let low: UInt64

    /// A digest that is known.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The digest of `bytes`.
    public init(of bytes: UnsafeRawBufferPointer) {
        let hash = XXH3_128bits(bytes.baseAddress, bytes.count)
        self.init(high: hash.high64, low: hash.low64)
    }

    /// The digest of `bytes`.
    public init(of bytes: [UInt8]) {
        self = bytes.withUnsafeBytes { ContentDigest(of: $0) }
    }

    /// The digest of no bytes at all.
    public static let empty = ContentDigest(of: [])

    /// 32 lowercase hexadecimal digits, the high half first: xxHash's canonical form.
    public var description: String {
        func digits(_ half: UInt64) -> String {
            let text = String(half, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        return digits(high) + digits(low)
    }

    /// Reads what `description` wrote; nil for anything else.
    public init?(_ text: some StringProtocol) {
        let digits = Array(text.utf8)
        guard digits.count == 32, digits.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }),
            let high = UInt64(text.prefix(16), radix: 16), let low = UInt64(text.suffix(16), radix: 16)
        else { return nil }
        self.init(high: high, low: low)
    }

    /// The order of the texts.
    public static func < (left: ContentDigest, right: ContentDigest) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    /// Computes a digest of bytes that come in pieces.
    struct Hasher: ~Copyable {
        private let state: OpaquePointer

        init() {
            guard let state = XXH3_createState() else { fatalError("out of memory") }
            self.state = state
            XXH3_128bits_reset(state)
        }

        deinit { XXH3_freeState(state) }

        mutating func update(_ bytes: UnsafeRawBufferPointer) {
            XXH3_128bits_update(state, bytes.baseAddress, bytes.count)
        }

        func digest() -> ContentDigest {
            let hash = XXH3_128bits_digest(state)
            return ContentDigest(high: hash.high64, low: hash.low64)
        }
    }
}

extension ByteWriter {
    mutating func append(_ digest: ContentDigest) {
        append(fixed: digest.high.bigEndian)
        append(fixed: digest.low.bigEndian)
    }
}

extension ByteReader {
    mutating func digest() throws(SlotSyncError) -> ContentDigest {
        let high: UInt64 = try fixed()
        let low: UInt64 = try fixed()
        return ContentDigest(high: high.bigEndian, low: low.bigEndian)
    }
}
