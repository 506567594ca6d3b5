// Input for the benchmarks: the same bytes and the same tree at every run and on every machine.

@testable import SlotSync

/// Bytes of a xorshift generator: nothing in them repeats.
func pseudoRandomBytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        for index in 0..<count {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            buffer[index] = UInt8(truncatingIfNeeded: state >> 32)
        }
        initialized = count
    }
}

/// A release of so many directories with so many files in each.
func madeUpManifest(directories: Int, filesEach: Int) -> Manifest {
    var manifest = Manifest(rootMode: 0o755)
    manifest.beginChildren(of: 0)
    for number in 0..<directories {
        let folder = Entry(kind: .directory, mode: 0o755, parent: 0)
        manifest.append(folder, name: "folder-\(1000 + number)".utf8, linkText: "".utf8)
    }
    for directory in 1...directories {
        manifest.beginChildren(of: directory)
        for number in 0..<filesEach {
            var file = Entry(kind: .file, mode: 0o644, parent: UInt32(directory))
            file.size = UInt64(number * 100)
            file.digest = ContentDigest(high: UInt64(directory), low: UInt64(number))
            file.modified = Timestamp(seconds: 1_700_000_000 + Int64(number), nanoseconds: 5)
            manifest.append(file, name: "file-\(1000 + number).js".utf8, linkText: "".utf8)
        }
    }
    return manifest
}
