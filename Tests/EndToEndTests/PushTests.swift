// The whole push, as people call it: good releases go live, bad and silent ones do not, and whatever is killed or
// interrupted, all hosts are on one release afterwards.

import Foundation
import Testing

extension FleetEndToEnd {
    @Suite("Push")
    struct PushTests {
        // MARK: Verdicts

        @Test("a good release goes live on every host, and can be judged again from its record")
        func good() async throws {
            try await CanaryScene.use { scene in
                let outcome = try await scene.push(
                    scene.site("second", .fast), "--record", scene.bench["push.jsonl"], "--report",
                    scene.bench["push.html"])
                #expect(outcome.exitCode == 0, "\(outcome)")
                #expect(scene.live == scene.everywhere(2))
                let again = try await Program.run([Program.slotsync, "judge", scene.bench["push.jsonl"]])
                #expect(again.lines.count == 1 && again.output.contains(#""verdict":"pass""#), "\(again)")
                let page = try String(contentsOfFile: scene.bench["push.html"], encoding: .utf8)
                #expect(page.hasPrefix("<!DOCTYPE html>") && page.contains("p95_ms"))
                #expect(page.contains("in 2 steps: 2 canaries, then 6 others"))
                #expect(page.contains("<b>Window of the canaries</b>: 2 hosts flipped by then against 6 not flipped"))
                #expect(page.contains("<b>Watch (guard)</b>, 8 hosts, all flipped: "))
                #expect(page.contains(/, from [0-9a-f]{8} to [0-9a-f]{8}</))
                #expect(page.contains(/<b>[0-9.]+ ms<\/b><span class="remark">before it [0-9.]+ ms</))
                let foretold = outcome.errors.split(separator: "\n").first { $0.contains("by the base line, ") }
                let power = try #require(foretold?.split(separator: "by the base line, ").last)
                #expect(power.hasPrefix("these canaries can show: p95_ms "), "\(power)")
                #expect(page.contains("the base line’s noise: </b>\(power)</p>"))
            }
        }

        @Test("a bad release is taken back from its canaries, reaches nobody else, and is marked bad with the reason")
        func bad() async throws {
            let hook = #"after_flip: 'touch "$SLOTSYNC_ROOT/../flipped"'"#
            try await CanaryScene.use(hooks: [hook]) { scene in
                for host in scene.fleet.hosts {
                    _ = try? FileManager.default.removeItem(atPath: scene.bench["\(host)/flipped"])
                }
                let outcome = try await scene.push(scene.site("second", .slow))
                #expect(outcome.exitCode == 3 && outcome.errors.contains("p95_ms"), "\(outcome)")
                #expect(scene.live == scene.everywhere(1))
                #expect(scene.fleet.hosts.count { exists(scene.bench["\($0)/flipped"]) } == 2)
                let status = try await scene.fleet.call("status")
                #expect(status.output.contains("2 bad") && status.output.contains("p95_ms"), "\(status)")
                let flip = try await scene.fleet.call("flip")
                #expect(flip.exitCode == 1 && flip.errors.contains("--force"), "\(flip)")
                #expect(scene.live == scene.everywhere(1))
            }
        }

        @Test("a release that was rolled back is not pushed again, unless by force")
        func again() async throws {
            try await CanaryScene.use { scene in
                let bad = try scene.site("second", .slow)
                #expect(try await scene.push(bad).exitCode == 3)
                let refused = try await scene.push(bad)
                #expect(
                    refused.exitCode == 1
                        && refused.errors.contains("insist with `slotsync push SOURCE --force --hosts"),
                    "\(refused)")
                // Why, as `status` has it.
                let status = try await scene.fleet.call("status")
                let reason = try #require(status.output.firstMatch(of: /is bad: (p95_ms .+)/)?.1, "\(status)")
                #expect(refused.errors.contains(" is bad (\(reason)): push another one"), "\(refused)")
                // Once for all hosts, in each of the sentences that name some.
                let named = refused.errors.split(separator: "\n").filter { $0.contains(/h\[?\d/) }
                #expect(named.count == 2 && named.allSatisfy { $0.contains("h[1-8]") }, "\(refused)")
                #expect(scene.live == scene.everywhere(1))
                // A copy that was damaged is made anew, and is as bad: found out before anything is sampled.
                for host in scene.fleet.hosts {
                    try FileManager.default.removeItem(atPath: scene.fleet.slot(2, of: host) + "/name")
                }
                let anew = try await scene.push(bad, "--json")
                #expect(anew.exitCode == 1 && anew.errors.contains(" is bad (\(reason)): push another one"), "\(anew)")
                #expect(!anew.output.contains("base line"), "\(anew)")
                let forced = try await scene.push(bad, "--force", "--no-canary")
                #expect(forced.exitCode == 0, "\(forced)")
                #expect(scene.live == scene.everywhere(2))
            }
        }

        @Test("a release that says nothing of itself is not passed")
        func silent() async throws {
            try await CanaryScene.use { scene in
                let outcome = try await scene.push(scene.site("second", .silent))
                #expect(outcome.exitCode == 1, "\(outcome)")
                #expect(scene.live == scene.everywhere(1))
            }
        }

        @Test("a release that gets bad only when everybody has it is taken back from everybody")
        func late() async throws {
            try await CanaryScene.use(settings: ["hosts: 2", "watch: 20s"]) { scene in
                let outcome = try await scene.push(scene.site("second", .fast)) { _ in
                    try await scene.waitUntil(8, areOn: 2)
                    for host in scene.fleet.hosts { try scene.bench.write("1000", to: "\(host)/late") }
                }
                #expect(outcome.exitCode == 3, "\(outcome)")
                #expect(scene.live == scene.everywhere(1))
            }
        }

        @Test("lines of a critical log on one canary roll back, also where no control has any")
        func criticalLog() async throws {
            let metric = "{name: dies, source: log, path: '{root}/shared/app.log', match: 'DIE', critical: true}"
            try await CanaryScene.use(metrics: [metric]) { scene in
                for host in scene.fleet.hosts { try scene.bench.write("begin\n", to: "\(host)/www/shared/app.log") }
                let second = try scene.site("second", .fast)
                try second.file(
                    "measure",
                    """
                    for line in 1 2 3 4; do echo "DIE $line" >> "$1/shared/app.log"; done
                    echo 100
                    """)
                let outcome = try await scene.push(second)
                #expect(outcome.exitCode == 3 && outcome.errors.contains("dies"), "\(outcome)")
                #expect(scene.live == scene.everywhere(1))
            }
        }

        // MARK: Order

        @Test("phases flip one after the other, each larger than the one before")
        func phases() async throws {
            let hook = #"after_flip: 'date +%s%N > "$SLOTSYNC_ROOT/../flipped"'"#
            try await CanaryScene.use(settings: ["hosts: 1", "phases: [3]"], hooks: [hook]) { scene in
                let outcome = try await scene.push(scene.site("second", .fast))
                #expect(outcome.exitCode == 0, "\(outcome)")
                #expect(scene.live == scene.everywhere(2))
                let times = try scene.fleet.hosts.map { host in
                    let text = try String(contentsOfFile: scene.bench["\(host)/flipped"], encoding: .utf8)
                    return try #require(Double(text.trimmingCharacters(in: .whitespacesAndNewlines))) / 1e9
                }.sorted()
                // Gaps of a window's length after the first and after the third.
                let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
                #expect(gaps.enumerated().filter { $1 > 2 }.map(\.offset) == [0, 2], "\(gaps)")
            }
        }

        @Test("canaries that get bad in a later phase, while the hosts flipped last are well, take everybody back")
        func lateCanaries() async throws {
            let settings = ["hosts: 3", "phases: [4]", "window: 6s"]
            try await CanaryScene.use(settings: settings) { scene in
                let record = scene.bench["push.jsonl"]
                let outcome = try await scene.push(scene.site("second", .fast), "--record", record) { _ in
                    try await scene.waitUntil(3, areOn: 2)
                    let canaries = scene.fleet.hosts.filter { scene.fleet.current($0) == "slots/2" }
                    try await scene.waitUntil(4, areOn: 2)
                    for host in canaries { try scene.bench.write("1000", to: "\(host)/late") }
                }
                #expect(outcome.exitCode == 3, "\(outcome)")
                #expect(scene.live == scene.everywhere(1))
                let lines = try String(contentsOfFile: record, encoding: .utf8).split(separator: "\n")
                #expect(lines.count == 2 && lines[1].contains(#""gap_s":"#))
                let again = try await Program.run([Program.slotsync, "judge", record])
                #expect(again.lines.count == 2 && again.lines.last?.contains(#""regression""#) == true, "\(again)")
            }
        }

        @Test("a metric that nobody sends ends the push before any host is flipped")
        func metricThatNobodySends() async throws {
            let hook = #"before_flip: 'touch "$SLOTSYNC_ROOT/../asked"'"#
            let metric = "{name: p50_ms, source: command, run: 'true'}"
            try await CanaryScene.use(metrics: [metric], hooks: [hook]) { scene in
                for host in scene.fleet.hosts {
                    _ = try? FileManager.default.removeItem(atPath: scene.bench["\(host)/asked"])
                }
                let outcome = try await scene.push(scene.site("second", .fast))
                #expect(outcome.exitCode == 1 && outcome.errors.contains("p50_ms has no sample"), "\(outcome)")
                #expect(outcome.errors.contains("nothing was flipped"), "\(outcome)")
                #expect(scene.live == scene.everywhere(1))
                #expect(!scene.fleet.hosts.contains { exists(scene.bench["\($0)/asked"]) })
            }
        }

        @Test("hosts that are held back stay controls until the end of the watch, and are flipped then")
        func heldBack() async throws {
            try await CanaryScene.use(settings: ["hosts: 2", "hold_back: 2", "watch: 3s"]) { scene in
                let outcome = try await scene.push(scene.site("second", .fast)) { _ in
                    try await scene.waitUntil(6, areOn: 2)
                }
                #expect(outcome.exitCode == 0, "\(outcome)")
                #expect(scene.live == scene.everywhere(2))
            }
        }

        @Test("the first push of all ends after staging, and names --no-canary")
        func firstPush() async throws {
            try await Workbench.use { bench in
                let file = try bench.write(
                    "canary:\n  hosts: 1\n  metrics: [{name: load, source: loadavg}]\n", to: "slotsync.yml")
                let fleet = try Fleet(bench, hosts: 4).with("--config", file)
                let site = try firstTree(bench)
                let planned = try await fleet.done("push", site.path, "--dry-run")
                #expect(
                    planned.errors.contains("a push would end after staging: nothing is live yet on h[1-4]"),
                    "\(planned)")
                #expect(!planned.output.contains("canaries"), "\(planned)")
                let (record, report) = (bench["push.jsonl"], bench["push.html"])
                let outcome = try await fleet.call("push", site.path, "--record", record, "--report", report)
                #expect(outcome.exitCode == 1, "\(outcome)")
                #expect(outcome.errors.contains("nothing is live yet on h[1-4]"), "\(outcome)")
                // The report tells of nothing that was not.
                let page = try String(contentsOfFile: report, encoding: .utf8)
                #expect(page.contains("Nothing was sampled") && page.contains("there was nothing to record"))
                #expect(page.contains("Nothing is live there yet") && !page.contains("taking back"))
                #expect(
                    outcome.errors.contains("at once with `slotsync push SOURCE --no-canary --hosts 'h[1-4]' "),
                    "\(outcome)")
                #expect(fleet.hosts.allSatisfy { fleet.current($0) == nil && exists(fleet.slot(1, of: $0)) })
                try await fleet.done("push", site.path, "--no-canary")
                #expect(fleet.hosts.allSatisfy { fleet.current($0) == "slots/1" })
            }
        }

        @Test("a new host, on which nothing is live, is neither sampled nor judged, and flips with everybody")
        func newHost() async throws {
            try await CanaryScene.use { scene in
                try scene.bench.folder("h9/www")
                let larger = CanaryScene(
                    fleet: try scene.fleet.with("--hosts", replacedBy: "h[1-4],h9,h[5-8]"), bench: scene.bench)
                let record = scene.bench["push.jsonl"]
                let report = scene.bench["push.html"]
                let site = try scene.site("second", .fast)
                // By the list alone the host in the middle would be the first canary.
                let planned = try await larger.push(site, "--dry-run", "--json")
                let plan = try #require(planned.events().first { $0["event"] as? String == "plan" }, "\(planned)")
                let steps = try #require(plan["steps"] as? [[String: Any]])
                let canaries = try #require(steps.first?["hosts"] as? [String])
                #expect(canaries.count == 2 && !canaries.contains("h9"), "\(planned)")
                let words = try await larger.push(site, "--dry-run")
                #expect(words.output.contains("nothing is live yet on h9, so it is flipped with everybody"), "\(words)")
                let outcome = try await larger.push(site, "--record", record, "--report", report) { _ in
                    try await scene.waitUntil(2, areOn: 2)
                    #expect(scene.fleet.current("h9") == nil)
                    #expect(scene.fleet.hosts.filter { scene.fleet.current($0) == "slots/2" } == canaries)
                }
                #expect(outcome.exitCode == 0, "\(outcome)")
                #expect(scene.live == scene.everywhere(2) && scene.fleet.current("h9") == "slots/1")
                #expect(!outcome.errors.contains("h9: warning"), "\(outcome)")
                let recorded = try String(contentsOfFile: record, encoding: .utf8)
                #expect(recorded.contains(#""h8""#) && !recorded.contains(#""h9""#))
                let told = "h9: nothing was live there before, so it was flipped without being judged"
                #expect(outcome.output.contains(told), "\(outcome)")
                let page = try String(contentsOfFile: report, encoding: .utf8)
                #expect(page.contains("neither canaries nor controls"))
            }
        }

        @Test(
            "a new host beside others that have the release already is flipped without being judged, and that is told")
        func newHostBesideLive() async throws {
            try await CanaryScene.use { scene in
                try scene.bench.folder("h9/www")
                let larger = try scene.fleet.with("--hosts", replacedBy: "h[1-9]")
                let warning = "nothing is live yet on h9, and the release is live on h[1-8] already"
                let planned = try await larger.done("push", scene.bench["first"], "--dry-run")
                #expect(planned.output.contains(warning) && !planned.output.contains("canaries:"), "\(planned)")
                let alone = try await larger.call("push", scene.bench["first"], "--canary-only")
                #expect(alone.exitCode == 1 && alone.errors.contains("push without --canary-only"), "\(alone)")
                #expect(scene.fleet.current("h9") == nil)
                let outcome = try await larger.call("push", scene.bench["first"])
                #expect(outcome.exitCode == 0 && outcome.errors.contains(warning), "\(outcome)")
                #expect(outcome.output.contains("h9: nothing was live there before"), "\(outcome)")
                #expect(scene.live == scene.everywhere(1) && scene.fleet.current("h9") == "slots/1")
            }
        }

        @Test(
            "--canary-only leaves the others where they are; a rollback takes the canaries back alone, a flip goes on")
        func canaryOnly() async throws {
            try await CanaryScene.use(hosts: 5) { scene in
                let fleet = scene.fleet
                try await fleet.release(scene.site("second", .fast))
                let outcome = try await scene.push(scene.site("third", .fast), "--canary-only")
                #expect(outcome.exitCode == 0 && outcome.errors.contains("to take the canaries back:"), "\(outcome)")
                #expect(scene.live.count { $0 == "slots/3" } == 2)
                let back = try await fleet.call("rollback")
                #expect(back.exitCode == 0 && scene.live == scene.everywhere(2), "\(back)")
                // What was just left must not go live everywhere because somebody flips once more.
                let bare = try await fleet.call("flip")
                #expect(bare.exitCode == 1 && bare.errors.contains("went back from release"), "\(bare)")
                #expect(scene.live == scene.everywhere(2))
                let release = try #require(bare.errors.firstMatch(of: /release ([0-9a-f]{32})/)?.1, "\(bare)")
                try await fleet.only("h[1-2]").done("flip", String(release))
                let on = try await fleet.call("flip", String(release))
                #expect(on.exitCode == 0 && on.output.contains("h[1-2]: release"), "\(on)")
                #expect(on.output.contains("was live already") && scene.live == scene.everywhere(3), "\(on)")
            }
        }

        @Test("--no-canary flips everybody at once")
        func noCanary() async throws {
            try await CanaryScene.use { scene in
                let outcome = try await scene.push(scene.site("second", .slow), "--no-canary")
                #expect(outcome.exitCode == 0, "\(outcome)")
                #expect(scene.live == scene.everywhere(2))
            }
        }

        @Test("without metrics a push says that it would judge nothing, and does nothing")
        func noMetrics() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                let outcome = try await fleet.call("push", try bench.tree("site").path)
                #expect(outcome.exitCode == 64 && outcome.errors.contains("--no-canary"), "\(outcome)")
            }
        }

        @Test(
            "a file that nothing could be written into is refused, before anything is done",
            arguments: [["--no-canary", "--record"], ["--dry-run", "--record"], ["--dry-run", "--report"]])
        func uselessFile(options: [String]) async throws {
            try await Workbench.use { bench in
                let file = bench["file"]
                let fleet = try Fleet(bench, hosts: 2).with(options[0], options[1], file)
                let outcome = try await fleet.call("push", try bench.tree("site").path)
                #expect(outcome.exitCode == 64 && options.allSatisfy(outcome.errors.contains), "\(outcome)")
                #expect(outcome.errors.contains("leave one of them out"), "\(outcome)")
                #expect(!exists(file) && !exists(fleet.slot(1)))
            }
        }

        @Test(
            "one file for both record and report is refused, however it is spelled, before anything is done",
            arguments: ["push", "./push", "folder/../push", "link"])
        func oneFile(spelling: String) async throws {
            try await CanaryScene.use(hosts: 5) { scene in
                try scene.bench.folder("folder")
                let record = try scene.bench.write("earlier\n", to: "push")
                try FileManager.default.createSymbolicLink(
                    atPath: scene.bench["link"], withDestinationPath: record)
                let source = try scene.site("second", .fast)
                let outcome = try await scene.push(source, "--record", record, "--report", spelling)
                #expect(outcome.exitCode == 64 && outcome.errors.contains("are one file"), "\(outcome)")
                #expect(try String(contentsOfFile: record, encoding: .utf8) == "earlier\n")
                #expect(scene.live == scene.everywhere(1))
                // Nor where there is none yet.
                let new = try await scene.push(source, "--record", scene.bench["new"], "--report", "folder/../new")
                #expect(new.exitCode == 64 && new.errors.contains("are one file"), "\(new)")
            }
        }

        @Test("what on_inconclusive goes on without is warned of before the next phase, and stands in the report")
        func goesOn() async throws {
            let settings = ["hosts: 2", "on_inconclusive: continue"]
            try await CanaryScene.use(settings: settings, metrics: ["{name: p50_ms, source: command, run: 'true'}"]) {
                scene in
                let report = scene.bench["push.html"]
                let outcome = try await scene.push(scene.site("second", .fast), "--json", "--report", report)
                #expect(outcome.exitCode == 0, "\(outcome)")
                let events = try outcome.events()
                let warning = events.firstIndex {
                    ($0["message"] as? String)?.contains("going on all the same") == true
                }
                let preparing = events.firstIndex { $0["phase"] as? String == "preparing canaries" }
                #expect(try #require(warning) < #require(preparing), "\(outcome)")
                let page = try String(contentsOfFile: report, encoding: .utf8)
                #expect(page.contains(/<p class="sentence">live on 8 hosts: .*; it went on although .*p50_ms/))
            }
        }

        @Test("an earlier record stays where a push ends before its first window is judged, and that is told")
        func nothingToRecord() async throws {
            let metric = "{name: p50_ms, source: command, run: 'true'}"
            try await CanaryScene.use(metrics: [metric]) { scene in
                let record = try scene.bench.write("earlier\n", to: "push.jsonl")
                let report = scene.bench["push.html"]
                let site = try scene.site("second", .fast)
                let outcome = try await scene.push(site, "--json", "--record", record, "--report", report)
                #expect(outcome.exitCode == 1, "\(outcome)")
                #expect(outcome.errors.contains("warning: \(record) was not written"), "\(outcome)")
                #expect(try String(contentsOfFile: record, encoding: .utf8) == "earlier\n")
                // What the base line lacked is told as a verdict of its own, and stands in the report.
                let verdicts = try outcome.events().filter { $0["event"] as? String == "verdict" }
                #expect(verdicts.map { $0["of"] as? String } == ["base line", "push"], "\(outcome)")
                #expect(verdicts.allSatisfy { $0["verdict"] as? String == "inconclusive" }, "\(outcome)")
                let metrics = verdicts.first?["metrics"] as? [[String: Any]]
                #expect(metrics?.map { $0["name"] as? String } == ["p50_ms"], "\(outcome)")
                let page = try String(contentsOfFile: report, encoding: .utf8)
                #expect(page.contains("<b>Base line</b>: too few samples"))
                #expect(page.contains("p50_ms has no sample of a canary before the flip"))
                #expect(page.contains("In this push no host was switched.") && !page.contains("slotsync judge"))
            }
        }

        @Test("a wrong value of the canary section stops push and sample, but neither flip nor rollback")
        func wrongValue() async throws {
            try await Workbench.use { bench in
                let file = try bench.write(
                    "canary:\n  hosts: 500%\n  metrics: [{name: load, source: loadavg}]\n", to: "slotsync.yml")
                let fleet = try Fleet(bench, hosts: 3).with("--config", file)
                let site = try bench.tree("site")
                for name in ["first", "second"] {
                    try site.file("name", name)
                    try await fleet.release(site)
                }
                try await fleet.done("rollback")
                for outcome in [try await fleet.call("push", site.path), try await fleet.call("sample")] {
                    #expect(
                        outcome.exitCode == 64 && outcome.errors.contains("\(file):2: canary.hosts: "), "\(outcome)")
                }
                #expect(fleet.hosts.allSatisfy { fleet.current($0) == "slots/1" })
                // What is neither measured nor judged cannot be wrong.
                try await fleet.done("push", site.path, "--no-canary", "--force")
                #expect(fleet.hosts.allSatisfy { fleet.current($0) != "slots/1" })
            }
        }

        @Test("--dry-run shows the plan and changes nothing")
        func dryRun() async throws {
            try await CanaryScene.use { scene in
                let before = try await snapshot(scene.fleet.root())
                let outcome = try await scene.push(scene.site("second", .fast), "--dry-run")
                #expect(outcome.exitCode == 0 && outcome.output.contains("canaries: 2 hosts"), "\(outcome)")
                let quiet = try await scene.push(scene.site("second", .fast), "--dry-run", "--quiet")
                #expect(quiet.output.contains("canaries: 2 hosts") && quiet.errors.isEmpty, "\(quiet)")
                let json = try await scene.push(scene.site("second", .fast), "--dry-run", "--json")
                let plan = try #require(json.lines.first { $0.contains(#""event":"plan""#) }, "\(json)")
                #expect(plan.contains(#""step":"canaries""#) && plan.contains("these canaries can show"))
                #expect(try await snapshot(scene.fleet.root()) == before)
            }
        }

        // MARK: Ends that nobody planned

        @Test("a controller that is killed leaves canaries that go back by themselves, within seconds")
        func killed() async throws {
            try await CanaryScene.use { scene in
                _ = try await scene.push(scene.site("second", .fast)) { program in
                    try await scene.waitUntil(2, areOn: 2)
                    program.kill()
                }
                try await eventually("the canaries stayed: \(scene.live)", within: .seconds(15)) {
                    scene.live == scene.everywhere(1)
                }
            }
        }

        @Test("Ctrl-C takes the canaries back before the program ends")
        func interrupted() async throws {
            try await CanaryScene.use { scene in
                let outcome = try await scene.push(scene.site("second", .fast)) { program in
                    try await scene.waitUntil(2, areOn: 2)
                    program.interrupt()
                }
                #expect(outcome.exitCode == 1, "\(outcome)")
                #expect(scene.live == scene.everywhere(1))
            }
        }

        @Test("a push that is interrupted has no verdict, though an earlier window passed")
        func interruptedPhase() async throws {
            try await CanaryScene.use(settings: ["hosts: 2", "phases: [4]", "window: 3s"]) { scene in
                let report = scene.bench["push.html"]
                let outcome = try await scene.push(scene.site("second", .fast), "--json", "--report", report) {
                    program in
                    try await scene.waitUntil(4, areOn: 2)
                    program.interrupt()
                }
                #expect(outcome.exitCode == 1 && scene.live == scene.everywhere(1), "\(outcome)")
                let verdicts = try outcome.events().filter { $0["event"] as? String == "verdict" }
                #expect(verdicts.contains { $0["of"] as? String == "canaries" }, "\(outcome)")
                #expect(verdicts.last?["of"] as? String == "push" && verdicts.last?["verdict"] is NSNull, "\(outcome)")
                let page = try String(contentsOfFile: report, encoding: .utf8)
                #expect(page.contains("<dd>not judged</dd>"))
                #expect(page.contains("<p class=\"sentence\">interrupted, taken back on 4 hosts</p>"))
            }
        }

        @Test("Ctrl-C during the watch ends the watch, and leaves the release live everywhere")
        func interruptedWatch() async throws {
            try await CanaryScene.use(settings: ["hosts: 2", "watch: 2m"]) { scene in
                let outcome = try await scene.push(scene.site("second", .fast), "--json") { program in
                    try await scene.waitUntil(8, areOn: 2)
                    // Flipped is not confirmed yet: the watch begins when all have said so.
                    try await eventually("a flip was not confirmed") {
                        try await scene.fleet.done("status", "--json").events().allSatisfy {
                            $0["event"] as? String != "host" || $0["provision"] is NSNull
                        }
                    }
                    try await Task.sleep(for: .seconds(2))
                    program.interrupt()
                }
                #expect(outcome.exitCode == 2 && outcome.errors.contains("cut short"), "\(outcome)")
                #expect(scene.live == scene.everywhere(2))
            }
        }

        @Test("a canary whose agent is killed goes back all the same, and with it the others")
        func agentKilled() async throws {
            try await CanaryScene.use { scene in
                let outcome = try await scene.push(scene.site("second", .fast)) { _ in
                    try await scene.waitUntil(2, areOn: 2)
                    let canary = try #require(scene.fleet.hosts.first { scene.fleet.current($0) == "slots/2" })
                    let found = try await Program.run(["pgrep", "-f", "agent --root \(scene.fleet.root(canary))$"])
                    for line in found.lines { if let pid = pid_t(line) { kill(pid, SIGKILL) } }
                }
                #expect(outcome.exitCode == 1, "\(outcome)")
                #expect(scene.live == scene.everywhere(1))
            }
        }

        @Test("a push that is live on some hosts alone says so at the top of its report")
        func partlyDone() async throws {
            let hook = #"after_flip: 'test ! -e "$SLOTSYNC_ROOT/../fail"'"#
            try await CanaryScene.use(hooks: [hook]) { scene in
                let host = scene.fleet.hosts[3]
                try scene.bench.write("", to: "\(host)/fail")
                let report = scene.bench["push.html"]
                let outcome = try await scene.push(
                    scene.site("second", .fast), "--no-canary", "--max-failures", "1", "--report", report)
                #expect(outcome.exitCode == 2, "\(outcome)")
                let page = try String(contentsOfFile: report, encoding: .utf8)
                #expect(page.contains("Partly released") && page.contains("not on \(host)"))
            }
        }

        @Test("a hook that fails on a canary takes both canaries back")
        func failingHook() async throws {
            let hook = #"after_flip: 'test ! -e "$SLOTSYNC_ROOT/../fail"'"#
            try await CanaryScene.use(hooks: [hook]) { scene in
                for host in scene.fleet.hosts.dropLast(2) { try scene.bench.write("", to: "\(host)/fail") }
                let outcome = try await scene.push(scene.site("second", .fast))
                #expect(outcome.exitCode == 1, "\(outcome)")
                #expect(scene.live == scene.everywhere(1))
            }
        }
    }
}
