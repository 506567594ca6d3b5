// A push where people run it, on a terminal: what they see, what they are asked, and how it ends when they have had enough.

import Foundation
import Testing

extension FleetEndToEnd {
    @Suite("Push on a terminal")
    struct PushTerminalTests {
        // MARK: What is seen

        @Test("the live view shows parts and metrics with values, moves, and leaves nothing behind")
        func liveView() async throws {
            try await CanaryScene.use(hooks: ["after_rollback: 'sleep 1'"]) { scene in
                let terminal = try scene.pushOnTerminal(scene.site("second", .slow))
                #expect(try await terminal.ended() == 3)
                let shown = terminal.output
                for text in [
                    "▸ staging", "▸ base line", "▸ canaries", "✗ canaries", "▸ taking back", "metric", "controls",
                    "WORSE", "s left", "▁", "█",
                ] {
                    #expect(shown.contains(text), "\(text) is missing: \(shown)")
                }
                let left = terminal.screen
                #expect(left.last == "" && left.contains { $0.contains("rolled back: p95_ms") }, "\(left)")
                for text in ["▸", "over time", "hosts flipped"] {
                    #expect(!left.contains { $0.contains(text) }, "\(left)")
                }
            }
        }

        // MARK: Interrupted

        enum Phase: String, CaseIterable {
            case staging = "▸ staging"
            case baseline = "base line: sampling"
            case flipping = "flipping the canaries"
            case window = "watching the canaries"
            case everybody = "flipping everybody"
            case watch = "watching everybody"
            case takingBack = "taking back"
        }

        enum End: String { case control, terminate, hangUp }

        private static let cases: [(Phase, End)] = [
            (.staging, .control), (.baseline, .hangUp), (.flipping, .control), (.window, .hangUp),
            (.everybody, .terminate), (.watch, .hangUp), (.takingBack, .control),
        ]

        @Test("whenever it is interrupted, it ends in good order and all hosts are on one release", arguments: cases)
        func interrupted(_ phase: Phase, _ end: End) async throws {
            // What is interrupted takes its time.
            let hook = "sleep \(phase == .flipping || phase == .everybody ? 1 : 0)"
            let hooks = ["after_flip: '\(hook)'", "after_rollback: 'sleep \(phase == .takingBack ? 1 : 0)'"]
            let watch = phase == .watch ? ["watch: 30s"] : []
            try await CanaryScene.use(hosts: 5, settings: ["hosts: 2", "baseline: 1800ms"] + watch, hooks: hooks) {
                scene in
                let options = phase == .staging ? ["--remote-command", try scene.slowAgent()] : []
                let source = try scene.site("second", phase == .takingBack ? .slow : .fast)
                let terminal = try scene.pushOnTerminal(source, options)
                try await terminal.shows(phase.rawValue)
                if phase == .everybody { try await scene.waitUntil(5, areOn: 2) }
                switch end {
                case .control: terminal.type("\u{3}")
                case .terminate: try await terminal.signal(SIGTERM)
                case .hangUp: terminal.hangUp()
                }
                let code = try await terminal.ended()
                let expected: Int32 = phase == .watch ? 2 : phase == .takingBack ? 3 : 1
                #expect(code == expected, "\(terminal.output)")
                #expect(scene.live == scene.everywhere(phase == .watch ? 2 : 1), "\(terminal.output)")
                let status = try await scene.fleet.done("status", "--json").events()
                #expect(
                    status.allSatisfy { $0["event"] as? String != "host" || $0["provision"] is NSNull }, "\(status)")
            }
        }

        @Test("a second Ctrl-C ends it at once, says so, and canaries go back by themselves")
        func twice() async throws {
            try await CanaryScene.use(hosts: 5, hooks: ["after_rollback: 'sleep 25'"]) { scene in
                let terminal = try scene.pushOnTerminal(scene.site("second", .fast))
                try await terminal.shows("watching the canaries")
                terminal.type("\u{3}")
                try await terminal.shows("taking back")
                let start = ContinuousClock.now
                terminal.type("\u{3}")
                #expect(try await terminal.ended() == 1, "\(terminal.output)")
                #expect(ContinuousClock.now - start < .seconds(20))
                #expect(terminal.output.contains("second interruption"), "\(terminal.output)")
                // What it would wait for is of no interest any more.
                let rest = terminal.output.components(separatedBy: "interrupted again").last ?? ""
                #expect(rest.contains("stopping at once") && !rest.contains("waiting for"), "\(terminal.output)")
                try await eventually("canaries stayed: \(scene.live)", within: .seconds(15)) {
                    scene.live == scene.everywhere(1)
                }
            }
        }

        @Test("what the end is waiting for after Ctrl-C is named, with its hosts")
        func hangingHook() async throws {
            let hook = #"after_flip: 'while [ -e "$SLOTSYNC_ROOT/../hang" ]; do sleep 0.1; done'"#
            try await CanaryScene.use(hosts: 5, hooks: [hook]) { scene in
                for host in scene.fleet.hosts { try scene.bench.write("", to: "\(host)/hang") }
                let terminal = try scene.pushOnTerminal(scene.site("second", .fast))
                try await terminal.shows("flipping the canaries")
                terminal.type("\u{3}")
                try await terminal.shows("waiting for after_flip on h[")
                for host in scene.fleet.hosts {
                    try FileManager.default.removeItem(atPath: scene.bench["\(host)/hang"])
                }
                #expect(try await terminal.ended() == 1, "\(terminal.output)")
                #expect(terminal.output.contains("Ctrl-C again leaves at once"), "\(terminal.output)")
                #expect(scene.live == scene.everywhere(1))
            }
        }

        // MARK: Asked

        enum Answer: String, CaseIterable {
            case yes = "y\n"
            case no = "n\n"
            case endOfFile = "\u{4}"
            case control = "\u{3}"
        }

        @Test("on_inconclusive: ask asks, and what is no yes takes back", arguments: Answer.allCases)
        func asked(_ answer: Answer) async throws {
            try await CanaryScene.use(hosts: 5, settings: hushedSettings) { scene in
                let terminal = try scene.pushOnTerminal(scene.hushed())
                try await terminal.shows("[y/N]")
                try scene.endHush()
                terminal.type(answer.rawValue)
                let code = try await terminal.ended()
                #expect(code == (answer == .yes ? 0 : 1), "\(terminal.output)")
                #expect(scene.live == scene.everywhere(answer == .yes ? 2 : 1), "\(terminal.output)")
            }
        }

        @Test("without a terminal nobody is asked: the canaries go back, or --yes goes on", arguments: [true, false])
        func notAsked(_ saysYes: Bool) async throws {
            try await CanaryScene.use(hosts: 5, settings: hushedSettings) { scene in
                let outcome = try await scene.push(scene.hushed(), saysYes ? "--yes" : "--quiet") { _ in
                    guard saysYes else { return }
                    try await scene.waitUntil(5, areOn: 2)
                    try scene.endHush()
                }
                #expect(outcome.exitCode == (saysYes ? 0 : 1), "\(outcome)")
                #expect(scene.live == scene.everywhere(saysYes ? 2 : 1))
                #expect(outcome.errors.contains("nobody can be asked: --yes answers yes") != saysYes, "\(outcome)")
            }
        }
    }
}

private let hushedSettings = [
    "hosts: 2", "on_inconclusive: ask", "baseline: 1800ms", "window: 1500ms", "watch: 1800ms", "settle: 0s",
]

extension CanaryScene {
    fileprivate func pushOnTerminal(_ source: TreeMaker, _ options: [String] = []) throws -> Terminal {
        try Terminal(
            [Program.slotsync, "push", source.path] + fleet.options + options,
            environment: ["HOME": bench["home"], "XDG_CACHE_HOME": bench["cache"]], in: bench.path)
    }

    fileprivate func slowAgent() throws -> String {
        try bench.script("#!/bin/sh\nsleep 1\nexec '\(Program.agent)' \"$@\"\n", to: "slow-agent")
    }

    /// A release whose site has nothing to say of itself until `endHush`.
    fileprivate func hushed() throws -> TreeMaker {
        let tree = try site("second", .fast)
        try bench.write("", to: "hush")
        try tree.file("measure", "test -e '\(bench["hush"])' && exit 0\necho 100\n")
        return tree
    }

    fileprivate func endHush() throws { try FileManager.default.removeItem(atPath: bench["hush"]) }
}
