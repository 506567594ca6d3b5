// swift-tools-version: 6.2
// A package of its own, so that what it needs never weighs on the library's users.
import PackageDescription

let package = Package(
    name: "slotsync-benchmarks",
    dependencies: [
        .package(name: "slotsync", path: ".."),
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
    ],
    targets: [
        .executableTarget(
            name: "SlotSyncBenchmarks",
            dependencies: [
                .product(name: "SlotSync", package: "slotsync"),
                .product(name: "Benchmark", package: "benchmark"),
            ],
            path: "Benchmarks/SlotSyncBenchmarks",
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]
        )
    ]
)
