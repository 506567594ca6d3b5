// One content against another: the engine's budgets are for 512 MiB.

import Benchmark

@testable import SlotSync

private let length = 512 << 20
// Made once, when it is asked for: setting up would take longer than what is measured.
private let basis = pseudoRandomBytes(length, seed: 1)
private let encoder = Result { DeltaEncoder(try signature(of: basis)) }

private var longer: Benchmark.Configuration {
    .init(
        metrics: [.wallClock, .cpuTotal, .throughput], warmupIterations: 1, maxDuration: .seconds(10), maxIterations: 10
    )
}

func deltaBenchmarks() {
    Benchmark("signature of 512 MiB", configuration: longer) { benchmark in
        blackHole(basis)
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations { blackHole(try signature(of: basis)) }
    }
    deltaBenchmark("nothing matches") { pseudoRandomBytes(length, seed: 2) }
    deltaBenchmark("everything matches") { basis }
    deltaBenchmark("few edits") {
        var edited = basis
        for position in stride(from: 1 << 20, to: edited.count, by: 16 << 20) { edited[position] ^= 0xff }
        return edited
    }
    Benchmark("delta of 64 MiB, repetitive data") { benchmark in
        let periodic = (0..<(64 << 20)).map { UInt8(truncatingIfNeeded: $0 % 251) }
        let encoder = DeltaEncoder(try signature(of: Array(periodic.dropFirst(100))))
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations { blackHole(instructions(encoder, periodic)) }
    }
    Benchmark("delta of 1,000 small files") { benchmark in
        let basis = pseudoRandomBytes(10_000_000, seed: 1)
        let files = (0..<1000).map { Array(basis[$0 * 10_000..<($0 + 1) * 10_000]) }
        let signatures = try files.map { try signature(of: $0) }
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations {
            for (file, signature) in zip(files, signatures) { blackHole(instructions(DeltaEncoder(signature), file)) }
        }
    }
}

/// Measures a content against the basis.
private func deltaBenchmark(_ name: String, content: @escaping @Sendable () -> [UInt8]) {
    Benchmark("delta of 512 MiB, \(name)", configuration: longer) { benchmark in
        let encoder = try encoder.get()
        let content = content()
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations { blackHole(instructions(encoder, content)) }
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
