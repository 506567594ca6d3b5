import Testing

@testable import SlotSync

@Suite("SHA-256")
struct SHA256Tests {
    @Test(
        "digests are those of FIPS 180-4's examples",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
        ])
    func examples(text: String, digest: String) {
        #expect(SHA256Digest(of: Array(text.utf8)).description == digest)
    }

    @Test("pieces make the digest of the whole")
    func pieces() {
        var random = SeededGenerator(seed: 256)
        let bytes = (0..<10_000).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        var hasher = SHA256Digest.Hasher256()
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 0...300, using: &random))
            rest = rest.dropFirst(piece.count)
            piece.withUnsafeBytes { hasher.update($0) }
        }
        let whole = SHA256Digest(of: bytes)
        #expect(hasher.digest() == whole && SHA256Digest(bytes: whole.bytes) == whole)
    }
}
