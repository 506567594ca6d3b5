// swift-tools-version: 6.2
import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
    name: "slotsync",
    products: [
        .library(name: "SlotSync", targets: ["SlotSync"]),
        .library(name: "Canary", targets: ["Canary"]),
        .library(name: "CanaryPrometheus", targets: ["CanaryPrometheus"]),
        .library(name: "CanaryRecording", targets: ["CanaryRecording"]),
        .library(name: "CanaryReport", targets: ["CanaryReport"]),
        .executable(name: "slotsync", targets: ["slotsync"]),
        .executable(name: "slotsync-agent", targets: ["slotsync-agent"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        // For the tests alone.
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    ],
    targets: [
        .systemLibrary(name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
        .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CCurl"),
        // Debian's libsimdjson-dev. Its pkg-config file has a flag that SwiftPM warns of, so it is linked by name.
        .target(name: "CJSONTokens", linkerSettings: [.linkedLibrary("simdjson")]),
        .target(name: "CSystemCalls"),
        .target(
            name: "SlotSync",
            dependencies: [
                "CPCRE2", "CSodium", "CSystemCalls", "CXXHash", "CZlib",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: swiftSettings
        ),
        .target(name: "JSONCoding", dependencies: ["CJSONTokens", "SlotSync"], swiftSettings: swiftSettings),
        .target(name: "Canary", dependencies: ["SlotSync"], swiftSettings: swiftSettings),
        .target(
            name: "CanaryPrometheus", dependencies: ["CCurl", "Canary", "JSONCoding", "SlotSync"],
            swiftSettings: swiftSettings),
        .target(
            name: "CanaryRecording", dependencies: ["Canary", "JSONCoding", "SlotSync"], swiftSettings: swiftSettings),
        .target(name: "CanaryReport", dependencies: ["Canary", "SlotSync"], swiftSettings: swiftSettings),
        .executableTarget(
            name: "slotsync",
            dependencies: [
                "SlotSync", "Canary", "CanaryPrometheus", "CanaryRecording", "CanaryReport", "JSONCoding",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "slotsync-agent",
            dependencies: ["SlotSync", .product(name: "SystemPackage", package: "swift-system")],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "SlotSyncTests",
            dependencies: [
                "CSodium", "SlotSync",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: swiftSettings
        ),
        // What the tests of the report make pages of.
        .target(
            name: "SamplePushes", dependencies: ["Canary", "CanaryReport", "SlotSync"], path: "Tests/SamplePushes",
            swiftSettings: swiftSettings),
        .testTarget(
            name: "CanaryTests",
            dependencies: [
                "Canary", "CanaryPrometheus", "CanaryRecording", "CanaryReport", "SlotSync", "SamplePushes",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            // Read where they stand.
            exclude: ["Judge/reference-values.txt", "Statistics/statistics-values.txt"],
            swiftSettings: swiftSettings
        ),
        // A fleet of values: what the tests have a sample of, and `make simulate` many.
        .target(
            name: "Simulation",
            dependencies: ["Canary", "SlotSync", .product(name: "SystemPackage", package: "swift-system")],
            path: "Tests/Simulation", swiftSettings: swiftSettings),
        .executableTarget(
            name: "simulate", dependencies: ["Simulation"], path: "Tests/SimulationCommand",
            swiftSettings: swiftSettings),
        .testTarget(
            name: "SimulationTests", dependencies: ["Simulation"], swiftSettings: swiftSettings),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "SlotSync", "Canary", "CanaryPrometheus", "CanaryReport", "SamplePushes", "slotsync", "slotsync-agent",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: swiftSettings
        ),
    ],
    cxxLanguageStandard: .cxx17
)
