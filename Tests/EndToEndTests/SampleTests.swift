// `slotsync sample` as people call it: what it reads, what is missing, and how it ends where nobody answers.

import Foundation
import Testing

extension FleetEndToEnd {
    @Suite("Sample")
    struct SampleTests {
        /// A fleet of empty roots with these settings of the section `canary`, and these metrics.
        private func use(
            _ settings: [String], _ metrics: [String], _ body: (Fleet) async throws -> Void
        ) async throws {
            try await Workbench.use { bench in
                let lines =
                    ["canary:"] + settings.map { "  \($0)" } + ["  metrics:"] + metrics.map { "    - \($0)" } + [""]
                let file = try bench.write(lines.joined(separator: "\n"), to: "slotsync.yml")
                try await body(Fleet(bench, hosts: 3).with("--config", file))
            }
        }

        @Test("what is missing on all hosts is told once, whatever they are called")
        func missing() async throws {
            let metrics = [
                "{name: errors, source: log, path: '{root}/app.log', match: x}",
                "{name: p95, source: command, run: 'echo no {host} > /dev/null'}", "{name: load, source: loadavg}",
            ]
            try await use(["interval: 2s"], metrics) { fleet in
                let outcome = try await fleet.call("sample")
                #expect(outcome.exitCode == 1, "\(outcome)")
                #expect(outcome.lines.map { $0.split(separator: " ").first } == ["HOST", "h1", "h2", "h3"])
                let told = outcome.errors.split(separator: "\n")
                #expect(told.count == 2, "\(outcome)")
                #expect(told.contains(#"h[1-3]: errors: there is no log "{root}/app.log" yet"#), "\(outcome)")
                #expect(
                    told.contains { $0.hasPrefix("h[1-3]: p95: ") && $0.hasSuffix("it printed nothing") }, "\(outcome)")
            }
        }

        @Test("numbers stand beneath each other, with as many digits after the point")
        func columns() async throws {
            let metrics = [
                "{name: p95_ms, source: command, run: 'case {host} in h1) echo 12345.678;; h2) echo 0.25;; *) echo x;; esac'}",
                "{name: n, source: command, run: 'echo 7'}",
            ]
            try await use(["interval: 2s"], metrics) { fleet in
                let outcome = try await fleet.call("sample")
                #expect(outcome.exitCode == 2, "\(outcome)")
                #expect(
                    outcome.lines == ["HOST   p95_ms  n", "h1    12345.7  7", "h2        0.3  7", "h3          -  7"],
                    "\(outcome)")
                #expect(try await fleet.call("sample", "--quiet").output == outcome.output)
            }
        }

        @Test("what a command says of its host is the same on all")
        func ownName() async throws {
            let metrics = ["{name: p95, source: command, run: 'echo {host} has no data >&2; exit 3'}"]
            try await use(["interval: 2s"], metrics) { fleet in
                let outcome = try await fleet.call("sample")
                let told = outcome.errors.split(separator: "\n")
                #expect(told.count == 1 && told[0].hasPrefix("h[1-3]: p95: "), "\(outcome)")
                #expect(told[0].hasSuffix("\"{host} has no data\""), "\(outcome)")
            }
        }

        @Test("where no host can be reached it does not wait for samples")
        func unreachable() async throws {
            // Two intervals are more than a command of these tests may take.
            let settings = ["interval: 5m", "baseline: 15m", "window: 15m", "settle: 0", "watch: 0"]
            try await use(settings, ["{name: load, source: loadavg}"]) { fleet in
                let outcome = try await fleet.with("--remote-command", fleet.bench["nothing"]).call("sample")
                #expect(outcome.exitCode == 1, "\(outcome)")
                #expect(outcome.errors.contains("h[1-3]: "), "\(outcome)")
            }
        }

        @Test("a canary plan that does not fit the fleet is warned of, before a push is refused for it")
        func unfitting() async throws {
            try await use(["interval: 1s", "hosts: 2"], ["{name: load, source: loadavg}"]) { fleet in
                let outcome = try await fleet.call("sample", "--json")
                #expect(outcome.exitCode == 0, "\(outcome)")
                let why = "canary.hosts: 2 of 3 hosts flipped leave 1 to compare with"
                #expect(
                    outcome.errors.contains("warning: `slotsync push` would refuse these hosts: \(why)"), "\(outcome)")
                let warnings = try outcome.events().filter { $0["event"] as? String == "warning" }
                #expect(warnings.count == 1, "\(outcome)")
                let message = try #require(warnings.first?["message"] as? String)
                #expect(message.contains(why))
                let push = try await fleet.call("push", try fleet.bench.tree("site").path)
                #expect(push.exitCode == 64 && push.errors.contains(why), "\(push)")
            }
        }

        @Test("a source that cannot be used is wrong usage")
        func unusable() async throws {
            try await use(["interval: 1s"], ["{name: errors, source: log, path: /log, match: '('}"]) { fleet in
                let outcome = try await fleet.call("sample")
                #expect(outcome.exitCode == 64 && outcome.errors.contains("metric errors: "), "\(outcome)")
            }
        }
    }
}
