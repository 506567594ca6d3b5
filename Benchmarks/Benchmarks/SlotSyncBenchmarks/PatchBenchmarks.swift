// Contents become frames on the controller, and files again on the host.

import Benchmark
import SystemPackage

@testable import SlotSync

func patchBenchmarks() {
    for level in [1, 6] {
        Benchmark("deflate 256 KiB of text, level \(level)") { benchmark in
            let text = madeUpText(256 * 1024)
            var deflater = Deflater(level: Int32(level))
            benchmark.startMeasurement()
            for _ in benchmark.scaledIterations { blackHole(deflated(text, by: &deflater)) }
        }
    }
    Benchmark("inflate 256 KiB of text") { benchmark in
        let text = madeUpText(256 * 1024)
        var deflater = Deflater(level: 6)
        let block = deflated(text, by: &deflater)
        var inflater = Inflater()
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations {
            var result: [UInt8] = []
            try block.withUnsafeBytes { try inflater.inflate($0, into: &result, exactly: text.count) }
            blackHole(result)
        }
    }
    Benchmark("frames of 1,000 files of 10 kB: encode") { benchmark in
        let folder = try MemoryFolder()
        defer { folder.remove() }
        let source = try folder.release(directories: 10, filesEach: 100, length: 10_000)
        let encoder = PairEncoder(
            source: source, spool: try Spool(), level: 0, parallelism: 1, message: Request.frameMessage)
        let jobs = source.manifest.entries.indices.filter { source.manifest.entries[$0].kind == .file }
            .map { EncodingJob(entry: $0, signature: nil) }
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations { blackHole(try encoder.encode(jobs)) }
    }
    Benchmark("patch of 64 MiB, few edits") { benchmark in
        let folder = try MemoryFolder()
        defer { folder.remove() }
        var content = pseudoRandomBytes(64 << 20, seed: 1)
        let basis = try folder.file("basis", content)
        for position in stride(from: 1 << 20, to: content.count, by: 4 << 20) { content[position] ^= 0xff }
        let (signature, delta) = (try folder.file("signature"), try folder.file("delta"))
        try DeltaFiles.writeSignature(of: basis, length: UInt64(content.count), to: signature)
        try signature.descriptor.seek(offset: 0, from: .start)
        try DeltaFiles.writeDelta(
            signature: signature, content: try folder.file("new", content), parallelism: 1, to: delta)
        let result = try folder.file("result")
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations {
            for file in [delta, result] { try file.descriptor.seek(offset: 0, from: .start) }
            try DeltaFiles.patch(basis: basis, delta: delta, to: result)
        }
    }
}

private func deflated(_ bytes: [UInt8], by deflater: inout Deflater) -> [UInt8] {
    var block: [UInt8] = []
    bytes.withUnsafeBytes { deflater.deflate($0, into: &block) }
    return block
}
