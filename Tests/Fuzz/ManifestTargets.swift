// Manifests, alone and as differences from another one, and extended attributes: what comes over the wire, and what stands in
// records and caches.

@testable import SlotSync

let manifestTargets = [
    FuzzTarget(name: "manifest", longest: 4096, words: ["SSM1"]) {
        (0..<6 as Range<UInt64>).map { seed in tree(seed).manifest.encoded() }.filter { $0.count < 3000 }
    } run: { bytes in
        guard let manifest = manifest(of: bytes) else { return false }
        walk(manifest)
        return true
    },
    FuzzTarget(name: "manifest-difference", longest: 6000, words: ["SSM1"]) {
        (0..<8 as Range<UInt64>).compactMap { seed in
            let (old, new) = (tree(seed), tree(seed, isChanged: true))
            let base = old.manifest
            let bytes = piece(base.encoded()) + new.manifest.encoded(against: base)
            return bytes.count < 3000 ? bytes : nil
        }
    } run: { bytes in
        var input = FuzzInput(bytes)
        guard let base = manifest(of: input.piece()), let manifest = manifest(of: input.all(), against: base) else {
            return false
        }
        // Entries may be many times the bytes: each counts against the bound of a manifest, but makes this slow.
        guard manifest.count < 5000 else { return true }
        check(manifest, against: base)
        walk(manifest)
        let change = SlotChange(from: base, to: manifest)
        demand(change.kept.count == manifest.count, "a change of other entries")
        _ = change.counterparts(count: base.count)
        return true
    },
    FuzzTarget(name: "attributes", words: ["user.", "security.capability", "system.posix_acl_access"]) {
        (0..<3).map { seed in
            var writer = ByteWriter()
            ExtendedAttributes([
                .init(name: Array("user.a".utf8), value: [UInt8(seed)]),
                .init(
                    name: ExtendedAttributes.accessList,
                    value: [2, 0, 0, 0] + [UInt8](repeating: UInt8(seed), count: 40)),
            ]).encode(to: &writer)
            return writer.bytes
        }
    } run: { bytes in
        guard
            let attributes = accepted({ () throws(SlotSyncError) in
                var reader = ByteReader(bytes, name: "attributes")
                let attributes = try ExtendedAttributes(from: &reader)
                try reader.expectEnd()
                return attributes
            })
        else { return false }
        demand(ExtendedAttributes(attributes.items) == attributes, "attributes that no release carries")
        demand(attributes.isMet(by: attributes), "attributes are not themselves")
        for mode: UInt16 in [0, 0o644, 0o7777] {
            let changed = attributes.changingMode(to: mode)
            demand(
                changed.items.map(\.name) == attributes.items.map(\.name), "a mode changes which attributes there are")
            demand(changed.changingMode(to: mode) == changed, "a mode that is set twice makes a difference")
        }
        return true
    },
]

private func tree(_ seed: UInt64, isChanged: Bool = false) -> ModelTree {
    var random = SeededGenerator(seed: seed)
    let tree = ModelTree.random(
        ownership: seed & 1 != 0, hardLinks: seed & 2 != 0, extendedAttributes: seed & 4 != 0, using: &random)
    return isChanged ? tree.changed(using: &random) : tree
}

/// Reads one to its last byte.
func manifest(of bytes: [UInt8], against base: Manifest? = nil) -> Manifest? {
    accepted { () throws(SlotSyncError) in
        var reader = ByteReader(bytes, name: "manifest")
        let manifest = try Manifest(from: &reader, against: base)
        try reader.expectEnd()
        return manifest
    }
}

/// What is written of a manifest reads as the same one.
private func check(_ manifest: Manifest, against base: Manifest?) {
    let written = manifest.encoded(against: base)
    guard let again = SlotSyncFuzz.manifest(of: written, against: base) else {
        fatalError("a manifest is refused that was written")
    }
    demand(again.encoded() == manifest.encoded(), "a manifest reads as another one")
    demand(again.id == manifest.id, "a release has two IDs")
}

/// Goes through a manifest as a stage does.
private func walk(_ manifest: Manifest) {
    check(manifest, against: nil)
    check(manifest, against: manifest)
    let count = min(manifest.count, 200)
    var path = EntryPath()
    var bytes = 0
    for index in 0..<count {
        let entry = manifest.entries[index]
        if index > 0 {
            let parent = Int(entry.parent)
            demand(parent < index, "a parent behind its child")
            demand(manifest.children(of: parent).contains(index), "a child that its parent does not have")
            demand(
                manifest.child(of: parent, named: manifest.name(of: index)) == index, "a child is not found by its name"
            )
        }
        demand(manifest.entry(at: manifest.components(of: index)) == index, "an entry is not found by its path")
        if entry.kind == .directory, path.setDirectory(index, of: manifest) {
            for child in manifest.children(of: index).prefix(4) {
                path.withPath(of: child, in: manifest) { while $0[bytes] != 0 { bytes += 1 } }
                demand(bytes == manifest.path(of: child).count, "a path of \(bytes) bytes")
                bytes = 0
            }
        }
    }
    var found: [ContentDigest] = []
    _ = accepted { () throws(SlotSyncError) in
        var reader = ByteReader(manifest.encoded(), name: "manifest")
        try Manifest.forEachFile(in: &reader) { (_, digest, _) in found.append(digest) }
    }
    demand(
        found == manifest.entries.filter { $0.kind == .file && $0.size > 0 }.map(\.digest),
        "the search of a record finds other files")
    if (try? manifest.checkContents()) != nil { demand(manifest.contentBytes <= UInt64(Int64.max), "too much content") }
    demand(SlotChange(from: manifest, to: manifest).obsolete.isEmpty, "a release is not itself")
    demand(manifest.keeping { _ in true }.count == manifest.count, "entries are lost")
    if let shared = try? SharedPaths.parse(["a/b", "uploads"]) {
        check(manifest.linkingShared(shared).manifest, against: manifest)
    }
    var changed = manifest
    var modes = ModeChanges()
    try? modes.add("D755,Fu=rwX,go-w")
    changed.change(modes)
    check(changed, against: manifest)
}
