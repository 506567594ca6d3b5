// SHA-256, for releases that are signed: unlike XXH3 it stands up to somebody who wants two contents to look the same.
// Manifests have one for each file where `--digest sha256` asks for it.

import CSodium

/// The SHA-256 digest of some bytes (FIPS 180-4).
struct SHA256Digest: Hashable, Sendable, CustomStringConvertible {
    static let length = 32

    private var words: (UInt64, UInt64, UInt64, UInt64)

    /// Stands for no digest: in entries that have no content.
    static let none = SHA256Digest(bytes: repeatElement(0, count: length))

    /// - Parameter bytes: 32 of them.
    init(bytes: some Collection<UInt8>) {
        precondition(bytes.count == Self.length)
        words = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: bytes) }
    }

    /// The digest of `bytes`.
    init(of bytes: [UInt8]) { self = bytes.withUnsafeBytes { SHA256Digest(of: $0) } }

    /// The digest of `bytes`.
    init(of bytes: UnsafeRawBufferPointer) {
        var hasher = Hasher256()
        hasher.update(bytes)
        self = hasher.digest()
    }

    var bytes: [UInt8] { withUnsafeBytes(of: words) { Array($0) } }

    /// 64 lowercase hexadecimal digits.
    var description: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    static func == (left: SHA256Digest, right: SHA256Digest) -> Bool { left.words == right.words }

    func hash(into hasher: inout Hasher) { withUnsafeBytes(of: words) { hasher.combine(bytes: $0) } }

    /// Computes a digest of bytes that come in pieces.
    struct Hasher256: ~Copyable {
        private var state = crypto_hash_sha256_state()

        init() { crypto_hash_sha256_init(&state) }

        mutating func update(_ bytes: UnsafeRawBufferPointer) {
            guard let start = bytes.baseAddress else { return }
            crypto_hash_sha256_update(&state, start.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count))
        }

        mutating func digest() -> SHA256Digest {
            var digest = [UInt8](repeating: 0, count: SHA256Digest.length)
            crypto_hash_sha256_final(&state, &digest)
            return SHA256Digest(bytes: digest)
        }
    }
}

extension ByteWriter {
    mutating func append(_ digest: SHA256Digest) { append(digest.bytes) }
}

extension ByteReader {
    mutating func sha256() throws(SlotSyncError) -> SHA256Digest {
        SHA256Digest(bytes: try take(SHA256Digest.length))
    }
}
