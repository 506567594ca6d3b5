// A release is walked, hashed, and written as a manifest.

import Benchmark
import SystemPackage

@testable import SlotSync

func treeBenchmarks() {
    Benchmark("walk of 10,000 files") { benchmark in
        let folder = try MemoryFolder()
        defer { folder.remove() }
        try folder.makeTree(directories: 100, filesEach: 100, length: 100)
        let root = try Directory(path: folder.path)
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations {
            blackHole(try TreeWalk.walk(root, name: "a tree", options: WalkOptions(parallelism: processorCount())))
        }
    }
    Benchmark("hash of 10,000 files of 10 kB") { benchmark in
        let folder = try MemoryFolder()
        defer { folder.remove() }
        try folder.makeTree(directories: 100, filesEach: 100, length: 10_000)
        let root = try Directory(path: folder.path)
        let options = WalkOptions(parallelism: processorCount())
        var tree = try TreeWalk.walk(root, name: "a tree", options: options)
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations {
            let isAsWalked = try TreeHashing.hash(
                &tree, root: root, name: "a tree", known: { _, _ in nil }, parallelism: options.parallelism)
            blackHole(isAsWalked)
        }
    }
    Benchmark("digest of 64 MiB") { benchmark in
        let bytes = pseudoRandomBytes(64 << 20, seed: 1)
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations { blackHole(ContentDigest(of: bytes)) }
    }
    Benchmark("SHA-256 of 64 MiB") { benchmark in
        let bytes = pseudoRandomBytes(64 << 20, seed: 1)
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations { bytes.withUnsafeBytes { blackHole(SHA256Digest(of: $0)) } }
    }
    Benchmark("manifest of 10,000 entries: encode, digest") { benchmark in
        let manifest = madeUpManifest(directories: 100, filesEach: 100)
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations { blackHole(manifest.id) }
    }
    Benchmark("manifest of 10,000 entries: encode against one that differs little") { benchmark in
        let base = madeUpManifest(directories: 100, filesEach: 100)
        var manifest = base
        for index in stride(from: 150, to: manifest.count, by: 50) { manifest.entries[index].size += 1 }
        let changed = manifest
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations { blackHole(changed.encoded(against: base)) }
    }
    Benchmark("manifest of 10,000 entries: decode") { benchmark in
        let bytes = madeUpManifest(directories: 100, filesEach: 100).encoded()
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations {
            var reader = ByteReader(bytes, name: "the manifest")
            blackHole(try Manifest(from: &reader))
        }
    }
}
