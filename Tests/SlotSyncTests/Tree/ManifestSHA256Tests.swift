// Manifests whose files have a SHA-256: they come through every form, and a file that differs in it alone is another one.

import Testing

@testable import SlotSync

@Suite("A manifest with SHA-256")
struct ManifestSHA256Tests {
    /// A tree of a folder, a link and files whose SHA-256 are those of these bytes; equal numbers are equal files.
    private func manifest(_ sums: [UInt8], hasSHA256: Bool = true) -> Manifest {
        var manifest = Manifest(rootMode: 0o755)
        manifest.beginChildren(of: 0)
        for (index, _) in sums.enumerated() {
            var file = Entry(kind: .file, mode: 0o644, parent: 0)
            file.size = 5
            file.digest = ContentDigest(high: 1, low: 2)
            manifest.append(file, name: Array("f\(index)".utf8), linkText: [])
        }
        manifest.append(
            Entry(kind: .symbolicLink, mode: 0o777, parent: 0), name: Array("link".utf8), linkText: Array("f0".utf8))
        guard hasSHA256 else { return manifest }
        manifest.hasSHA256 = true
        manifest.sha256 = [.none] + sums.map { SHA256Digest(of: [$0]) } + [.none]
        return manifest
    }

    private func read(_ bytes: [UInt8], against base: Manifest? = nil) throws -> Manifest {
        var reader = ByteReader(bytes, name: "a manifest")
        let manifest = try Manifest(from: &reader, against: base)
        try reader.expectEnd()
        return manifest
    }

    @Test("it comes back as it was, against any base")
    func journeys() throws {
        let new = manifest([1, 2, 3])
        for base in [nil, manifest([1, 2, 3]), manifest([1, 9, 3, 4]), manifest([1, 2, 3], hasSHA256: false)] {
            let back = try read(new.encoded(against: base), against: base)
            #expect(back.hasSHA256 && back.sha256 == new.sha256 && back.id == new.id)
        }
        let plain = manifest([1, 2, 3], hasSHA256: false)
        let back = try read(plain.encoded(against: new), against: new)
        #expect(!back.hasSHA256 && back.sha256.isEmpty && back.id == plain.id)
    }

    @Test("what differs in SHA-256 alone is another release, and another one than without")
    func identity() {
        let ids = [manifest([1, 2]), manifest([1, 3]), manifest([1, 2], hasSHA256: false)].map(\.id)
        #expect(Set(ids).count == 3)
        #expect(manifest([1, 2]).encoded(against: manifest([1, 2])).count < 20)
        #expect(manifest([1, 3]).encoded(against: manifest([1, 2])).count > 50)
    }

    @Test("a file whose SHA-256 the base lacks cannot be kept from it")
    func missingInBase() throws {
        let (new, plain) = (manifest([1, 2]), manifest([1, 2], hasSHA256: false))
        let bytes = new.encoded(against: new)
        #expect(throws: SlotSyncError.self) { try read(bytes, against: plain) }
    }

    @Test("contents are found in its bytes as in those without")
    func contents() throws {
        for manifest in [manifest([1, 2]), manifest([1, 2], hasSHA256: false)] {
            var found: [Int] = []
            var reader = ByteReader(manifest.encoded(), name: "a manifest")
            try Manifest.forEachFile(in: &reader) { (index, digest, size) throws(SlotSyncError) in
                found.append(index)
                guard digest == ContentDigest(high: 1, low: 2), size == 5 else {
                    throw SlotSyncError(.corrupt, "entry \(index)")
                }
            }
            #expect(found == [1, 2])
        }
    }

    @Test("a manifest that ends within a SHA-256 is refused")
    func truncated() {
        let bytes = manifest([1, 2]).encoded()
        for count in 0..<bytes.count {
            #expect(throws: SlotSyncError.self) { try read(Array(bytes.prefix(count))) }
        }
    }
}
