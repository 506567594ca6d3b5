// A fleet for pushes with canaries. The hosts' site answers fast, slowly or not at all, as its release says; the
// settings let a push take only seconds.

import Foundation
import Testing

struct CanaryScene: Sendable {
    let fleet: Fleet
    let bench: Workbench

    /// How the site of a release behaves.
    enum Site: String {
        case fast = "100"
        case slow = "300"
        /// It has nothing to say of itself.
        case silent = ""
    }

    /// A fleet on which a fast site is live.
    ///
    /// - Parameters:
    ///   - settings: further lines of the section `canary`.
    ///   - metrics: further metrics.
    static func use(
        hosts: Int = 8, settings: [String] = ["hosts: 2"], metrics: [String] = [], hooks: [String] = [],
        _ body: (CanaryScene) async throws -> Void
    ) async throws {
        try await Workbench.use { bench in
            try await use(Fleet(bench, hosts: hosts), settings: settings, metrics: metrics, hooks: hooks, body)
        }
    }

    /// A fleet of hosts with empty roots, on which a fast site then is live.
    static func use(
        _ fleet: Fleet, settings: [String], metrics: [String] = [], hooks: [String] = [],
        _ body: (CanaryScene) async throws -> Void
    ) async throws {
        let usual = ["baseline: 1800ms", "window: 2400ms", "settle: 300ms", "interval: 300ms", "watch: 1500ms"]
        let lines = usual.filter { line in !settings.contains { $0.prefix { $0 != ":" } == line.prefix { $0 != ":" } } }
        let all =
            (hooks.isEmpty ? [] : ["hooks:"] + hooks.map { "  \($0)" })
            + ["canary:"] + (lines + settings).map { "  \($0)" } + ["  metrics:"]
            + (["{name: p95_ms, source: command, run: 'sh {root}/current/measure {root}'}"] + metrics)
            .map { "    - \($0)" }
        let file = try fleet.bench.write(all.joined(separator: "\n") + "\n", to: "slotsync.yml")
        let scene = CanaryScene(fleet: fleet.with("--config", file), bench: fleet.bench)
        try await scene.fleet.release(scene.site("first", .fast))
        try await body(scene)
    }

    /// A release whose site measures itself: around 100 ms if it is fast, what `late` in the host's folder says once that
    /// is there.
    func site(_ name: String, _ site: Site) throws -> TreeMaker {
        let tree = try bench.tree(name)
        try tree.file("name", name)
        try tree.file(
            "measure",
            """
            level=\(site.rawValue)
            test -e "$1/../late" && level=$(cat "$1/../late")
            test -z "$level" && exit 0
            awk -v level="$level" -v seed="$$" 'BEGIN { srand(seed); print level * (0.95 + rand() / 10) }'
            """)
        return tree
    }

    /// Calls `slotsync push`.
    func push(
        _ source: TreeMaker, _ options: String..., whileRunning body: (RunningProgram) async throws -> Void = { _ in }
    ) async throws -> Outcome {
        try await Program.run(
            [Program.slotsync, "push", source.path] + fleet.options + options,
            environment: ["HOME": bench["home"], "XDG_CACHE_HOME": bench["cache"]], in: bench.path,
            whileRunning: body)
    }

    /// The slots that `current` points at, host by host.
    var live: [String] { fleet.hosts.map { fleet.current($0) ?? "-" } }

    func everywhere(_ slot: Int) -> [String] { Array(repeating: "slots/\(slot)", count: fleet.hosts.count) }

    /// Waits until so many hosts have the slot live.
    func waitUntil(_ count: Int, areOn slot: Int, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await eventually(
            "\(count) hosts on slot \(slot): \(live)", within: .seconds(90), sourceLocation: sourceLocation
        ) {
            live.count { $0 == "slots/\(slot)" } == count
        }
    }
}
