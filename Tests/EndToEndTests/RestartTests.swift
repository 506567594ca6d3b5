// What restarts write into logs: nothing against a release, as long as it is over when the settling time is.

import Foundation
import Testing

extension FleetEndToEnd {
    @Suite("Restarts that write into the error log")
    struct RestartTests {
        /// Twelve hosts whose reload does what the release's file `restart` says, given the log; two of them are canaries.
        private func onHosts(from start: String = "", _ body: (CanaryScene) async throws -> Void) async throws {
            let metric = "{name: errors, source: log, path: '{root}/shared/error.log', match: 'error'\(start)}"
            let hook =
                #"after_flip: 'f=$SLOTSYNC_ROOT/current/restart; test -e $f || exit 0; sh $f $SLOTSYNC_ROOT/shared/error.log'"#
            let times = [
                "hosts: 2", "baseline: 2400ms", "window: 4200ms", "settle: 1200ms", "interval: 300ms", "watch: 0",
            ]
            try await CanaryScene.use(hosts: 12, settings: times, metrics: [metric], hooks: [hook]) { scene in
                for host in scene.fleet.hosts {
                    try scene.bench.folder("\(host)/www/shared")
                    try scene.bench.write("begin\n", to: "\(host)/www/shared/error.log")
                }
                try await body(scene)
            }
        }

        private func release(_ scene: CanaryScene, restart: String) throws -> TreeMaker {
            let tree = try scene.site("second", .fast)
            try tree.file("restart", restart)
            return tree
        }

        private static let five = "for i in 1 2 3 4 5; do echo error: worker $i ended >> $1; done\n"
        /// Some while the hook runs, the others just after it.
        private static let noisyRestart = five + "( sleep 0.3; \(five.dropLast()) ) > /dev/null 2>&1 &\n"

        @Test("five lines at every restart take no harmless release back")
        func harmless() async throws {
            try await onHosts { scene in
                let outcome = try await scene.push(
                    release(scene, restart: Self.noisyRestart), "--record", scene.bench["push.jsonl"])
                #expect(outcome.exitCode == 0, "\(outcome)")
                #expect(scene.live == scene.everywhere(2))
                // Judged again, it is the same; counted from the flip on, it is not.
                let record = try String(contentsOfFile: scene.bench["push.jsonl"], encoding: .utf8)
                #expect(record.contains(#""from":"settled""#))
                #expect(try await verdict(record, scene) == "pass")
                #expect(try await verdict(record.replacing("settled", with: "flip"), scene) == "regression")
            }
        }

        @Test("errors that go on after the settling time take the release back")
        func regression() async throws {
            try await onHosts { scene in
                let restart =
                    Self.noisyRestart
                    + "( for i in $(seq 100); do echo error >> $1; sleep 0.1; done ) >/dev/null 2>&1 &\n"
                let outcome = try await scene.push(release(scene, restart: restart))
                #expect(outcome.exitCode == 3 && outcome.errors.contains("errors"), "\(outcome)")
                #expect(scene.live == scene.everywhere(1))
            }
        }

        @Test("a metric that counts from the flip on is taken at its word")
        func fromFlip() async throws {
            try await onHosts(from: ", from: flip") { scene in
                let outcome = try await scene.push(release(scene, restart: Self.noisyRestart))
                #expect(outcome.exitCode == 3 && outcome.errors.contains("errors"), "\(outcome)")
                #expect(scene.live == scene.everywhere(1))
            }
        }

        @Test("a short watch by a guard passes a harmless release, whose errors are counted")
        func shortWatch() async throws {
            let metric = "{name: errors, source: log, path: '{root}/shared/error.log', match: 'error'}"
            let times = ["hosts: 2", "baseline: 3s", "window: 1800ms", "settle: 600ms", "interval: 300ms", "watch: 3s"]
            try await CanaryScene.use(hosts: 6, settings: times, metrics: [metric]) { scene in
                for host in scene.fleet.hosts {
                    try scene.bench.folder("\(host)/www/shared")
                    try scene.bench.write("begin\n", to: "\(host)/www/shared/error.log")
                }
                let outcome = try await scene.push(scene.site("second", .fast))
                #expect(outcome.exitCode == 0, "\(outcome)")
                #expect(scene.live == scene.everywhere(2))
            }
        }

        @Test(
            "a watch that can never come to a verdict is refused before anything is done", arguments: ["", "--dry-run"])
        func hopelessWatch(option: String) async throws {
            let metric = "{name: errors, source: log, path: '{root}/shared/error.log', match: 'error'}"
            let times = ["hosts: 2", "window: 1800ms", "settle: 600ms", "interval: 300ms", "watch: 1500ms"]
            try await CanaryScene.use(hosts: 4, settings: times, metrics: [metric]) { scene in
                let source = try scene.site("second", .fast)
                let outcome = try await option.isEmpty ? scene.push(source) : scene.push(source, option)
                #expect(outcome.exitCode == 64 && outcome.errors.contains("canary.watch"), "\(outcome)")
                #expect(outcome.errors.contains("make it 1.8 s or longer"), "\(outcome)")
                #expect(!exists(scene.fleet.slot(2) + "/name"))
            }
        }

        private func verdict(_ record: String, _ scene: CanaryScene) async throws -> String {
            let file = try scene.bench.write(record, to: "again.jsonl")
            let outcome = try await Program.run([Program.slotsync, "judge", file])
            let line = try #require(outcome.output.firstMatch(of: /"verdict":"([a-z]+)"/), "\(outcome)")
            return String(line.1)
        }
    }
}
