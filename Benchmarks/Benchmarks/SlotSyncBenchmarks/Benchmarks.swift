// What a stage spends its time on, piece by piece, on made-up input that is the same at every run. `make
// benchmark-pieces` runs it; the library is built with `-enable-testing`, so that its inner parts can be measured alone.

import Benchmark

let benchmarks = { @Sendable in
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock, .cpuTotal, .throughput], warmupIterations: 2, maxDuration: .seconds(2))
    treeBenchmarks()
    deltaBenchmarks()
    patchBenchmarks()
    wireBenchmarks()
}
