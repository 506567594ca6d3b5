// What a stage spends its time on, piece by piece, on made-up input that is the same at every run. `make benchmark-pieces`
// runs it; the library is built with `-enable-testing`, so that its inner parts can be measured alone.

import Benchmark
@testable import SlotSync

let benchmarks = { @Sendable in
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock, .cpuTotal, .throughput], warmupIterations: 2, maxDuration: .seconds(2))

    let basis = pseudoRandomBytes(64 << 20, seed: 1)
    let other = pseudoRandomBytes(64 << 20, seed: 2)
    var edited = basis
    for position in stride(from: 1 << 20, to: edited.count, by: 4 << 20) { edited[position] ^= 0xff }
    let fewEdits = edited
    let periodic = (0..<(64 << 20)).map { UInt8(truncatingIfNeeded: $0 % 251) }

    Benchmark("digest of 64 MiB") { benchmark in
        for _ in benchmark.scaledIterations { blackHole(ContentDigest(of: basis)) }
    }
    Benchmark("signature of 64 MiB") { benchmark in
        for _ in benchmark.scaledIterations { blackHole(try signature(of: basis)) }
    }
    for (name, content) in [("nothing matches", other), ("everything matches", basis), ("few edits", fewEdits)] {
        Benchmark("delta of 64 MiB, \(name)") { benchmark in
            let encoder = DeltaEncoder(try signature(of: basis))
            benchmark.startMeasurement()
            for _ in benchmark.scaledIterations { blackHole(instructions(encoder, content)) }
        }
    }
    Benchmark("delta of 64 MiB, repetitive data") { benchmark in
        let encoder = DeltaEncoder(try signature(of: Array(periodic.dropFirst(100))))
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations { blackHole(instructions(encoder, periodic)) }
    }
    Benchmark("delta of 1,000 small files") { benchmark in
        let files = (0..<1000).map { Array(basis[$0 * 10_000..<($0 + 1) * 10_000]) }
        let signatures = try files.map { try signature(of: $0) }
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations {
            for (file, signature) in zip(files, signatures) { blackHole(instructions(DeltaEncoder(signature), file)) }
        }
    }
    Benchmark("manifest of 10,000 entries: encode, digest") { benchmark in
        let manifest = madeUpManifest(directories: 100, filesEach: 100)
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations { blackHole(manifest.id) }
    }
    Benchmark("manifest of 10,000 entries: decode") { benchmark in
        let bytes = madeUpManifest(directories: 100, filesEach: 100).encoded()
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations {
            var reader = ByteReader(bytes, name: "the manifest")
            blackHole(try Manifest(from: &reader))
        }
    }
    Benchmark("deflate 256 KiB of text, level 6") { benchmark in
        let text = Array(String(repeating: "the quick brown fox jumps over the lazy dog, ", count: 6000).utf8)
        var deflater = Deflater(level: 6)
        for _ in benchmark.scaledIterations {
            var block: [UInt8] = []
            text.withUnsafeBytes { deflater.deflate($0, into: &block) }
            blackHole(block)
        }
    }
}

private func signature(of bytes: [UInt8]) throws -> Signature {
    var builder = Signature.Builder(basisLength: UInt64(bytes.count), seed: 7)
    bytes.withUnsafeBytes { builder.update($0) }
    return try builder.finish()
}

private func instructions(_ encoder: DeltaEncoder, _ content: [UInt8]) -> Int {
    var instructions: [DeltaInstruction] = []
    content.withUnsafeBytes { encoder.encode($0, isLast: true, into: &instructions) }
    return instructions.count
}
