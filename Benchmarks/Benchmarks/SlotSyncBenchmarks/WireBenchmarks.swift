// What travels is cut into messages and put together again.

import Benchmark

@testable import SlotSync

func wireBenchmarks() {
    Benchmark("64 MiB in frames of 256 KiB: encode") { benchmark in
        let frame = Request.frame(DeflatedPart(length: 256 << 10, isDeflated: false, bytes: pseudoRandomFrame))
        var bytes: [UInt8] = []
        for _ in benchmark.scaledIterations {
            for _ in 0..<256 {
                bytes.removeAll(keepingCapacity: true)
                frame.encode(into: &bytes)
                blackHole(bytes.count)
            }
        }
    }
    Benchmark("64 MiB in frames of 256 KiB: parse, decode") { benchmark in
        var stream: [UInt8] = []
        Request.hello(Greeting(version: "1", peer: "a benchmark")).encode(into: &stream)
        let frame = Request.frame(DeflatedPart(length: 256 << 10, isDeflated: false, bytes: pseudoRandomFrame))
        for _ in 0..<256 { frame.encode(into: &stream) }
        let received = stream
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations { blackHole(try messages(of: received)) }
    }
    Benchmark("needs of 10,000 entries: encode, decode") { benchmark in
        let needs = (0..<10_000).map { number in
            Need(entry: UInt32(number * 3), basis: ContentDigest(high: UInt64(number), low: 7))
        }
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations {
            var bytes: [UInt8] = []
            Reply.needs(needs, isLast: true).encode(into: &bytes)
            blackHole(try Reply(type: bytes[4], payload: Array(bytes[5...])))
        }
    }
}

private let pseudoRandomFrame = pseudoRandomBytes(256 << 10, seed: 3)

/// Takes a stream apart in pieces as a pipe delivers them, and says how many messages it held.
private func messages(of stream: [UInt8]) throws -> Int {
    var parser = FrameParser(.requests)
    var count = 0
    for start in stride(from: 0, to: stream.count, by: 64 << 10) {
        stream[start..<min(start + 64 << 10, stream.count)].withUnsafeBytes { parser.append($0) }
        while let (type, payload) = try parser.next() {
            blackHole(try Request(type: type, payload: payload))
            count += 1
        }
    }
    return count
}
