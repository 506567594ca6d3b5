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

/// Text that deflates as a program's source does: words in no order.
func madeUpText(_ count: Int) -> [UInt8] {
    let words = "function return const let await import export class if else for null value name index event options"
        .split(separator: " ").map { Array($0.utf8) }
    let choices = pseudoRandomBytes(count, seed: 5)
    var text: [UInt8] = []
    text.reserveCapacity(count + 16)
    for choice in choices where text.count < count {
        text += words[Int(choice) % words.count]
        text.append(UInt8(ascii: choice < 32 ? "\n" : " "))
    }
    return text
}
