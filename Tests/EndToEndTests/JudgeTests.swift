// `slotsync judge`: verdicts in the order of the file, in bounded memory, and what it says of files that are none.

import Foundation
import Testing

extension FleetEndToEnd {
    @Suite("judge")
    struct JudgeTests {
        @Test("one verdict a line, in the order of the file, from a file and from standard input")
        func order() async throws {
            try await Workbench.use { bench in
                let tree = try bench.tree("recordings")
                // Of very different length, so that later ones are done first.
                let lines = (0..<600).map { push("case \($0)", controls: $0.isMultiple(of: 100) ? 2_000 : 3, load: 1) }
                try tree.file("pushes", Array((lines.joined(separator: "\n\n") + "\n").utf8))
                let outcome = try await Program.run([Program.slotsync, "judge", tree.path + "/pushes"])
                #expect(outcome.exitCode == 0 && outcome.errors == "", "\(outcome.errors)")
                let verdicts = try verdicts(outcome.output)
                #expect(verdicts.map { $0["case"] as? String } == (0..<600).map { "case \($0)" })
                #expect(verdicts.allSatisfy { $0["seconds"] == nil })
                let piped = try await Program.run(
                    ["bash", "-c", "\"$0\" judge - < pushes", Program.slotsync], in: tree.path)
                #expect(piped.output == outcome.output)
            }
        }

        @Test("a release that doubles the load on its canaries is a regression, by its metric")
        func regression() async throws {
            try await Workbench.use { bench in
                let tree = try bench.tree("recordings")
                let lines = [push("good", controls: 30, load: 1), push("bad", controls: 30, load: 2)]
                try tree.file("pushes", Array(lines.joined(separator: "\n").utf8))
                let outcome = try await Program.run([Program.slotsync, "judge", "--looks", tree.path + "/pushes"])
                let verdicts = try verdicts(outcome.output)
                #expect(verdicts.map { $0["verdict"] as? String } == ["pass", "regression"], "\(outcome)")
                #expect(verdicts[0]["seconds"] is NSNull)
                #expect(try #require(verdicts[1]["seconds"] as? Double) < 60, "\(outcome)")
                let metric = try #require((verdicts[1]["metrics"] as? [[String: Any]])?.first)
                #expect(metric["name"] as? String == "load" && metric["verdict"] as? String == "regression")
                #expect(try #require(metric["p"] as? Double) < 0.001)
                #expect(abs(try #require(metric["effect"] as? Double) - 1) < 0.2)
            }
        }

        @Test("with --window only so much of a recording is looked at")
        func window() async throws {
            try await Workbench.use { bench in
                let tree = try bench.tree("recordings")
                try tree.file("pushes", Array(push("bad", controls: 30, load: 2).utf8))
                for (window, verdict) in [("60s", "regression"), ("10", "inconclusive"), ("0s", "inconclusive")] {
                    let command = [Program.slotsync, "judge", "--window", window, tree.path + "/pushes"]
                    let outcome = try await Program.run(command)
                    #expect(try verdicts(outcome.output).first?["verdict"] as? String == verdict, "\(outcome)")
                }
            }
        }

        @Test("a line that is no recording is named, after the verdicts on those before it")
        func badLine() async throws {
            try await Workbench.use { bench in
                let tree = try bench.tree("recordings")
                let bad = push("bad", controls: 3, load: 1).replacing("\"canary\"", with: "\"bird\"")
                let lines = [push("a", controls: 3, load: 1), "", bad, push("b", controls: 3, load: 1)]
                try tree.file("pushes", Array(lines.joined(separator: "\n").utf8))
                let outcome = try await Program.run([Program.slotsync, "judge", tree.path + "/pushes"])
                #expect(outcome.exitCode == 64, "\(outcome)")
                #expect(try verdicts(outcome.output).map { $0["case"] as? String } == ["a"])
                #expect(outcome.errors.contains("pushes line 3: hosts.\"c0\".role is \"bird\""), "\(outcome)")
            }
        }

        @Test(
            "what cannot be used is said, and nothing judged",
            arguments: [
                (["judge"], "FILE"), (["judge", "/nonexistent"], "/nonexistent"), (["judge", "/"], "/"),
                (["judge", "-", "--significance", "0"], "significance"),
                (["judge", "-", "--significance", "1"], "significance"),
                (["judge", "-", "--tolerance", "-1"], "tolerance"), (["judge", "-", "--window", "soon"], "window"),
                (["judge", "-", "--settle", "2d"], "settle"),
            ] as [([String], String)])
        func refusal(_ arguments: [String], _ named: String) async throws {
            let outcome = try await Program.run([Program.slotsync] + arguments)
            #expect(outcome.exitCode == 64 && outcome.output == "", "\(outcome)")
            #expect(outcome.errors.lowercased().contains(named.lowercased()), "\(outcome)")
        }

        @Test("a line without an end is refused, however long it is, in bounded memory")
        func endless() async throws {
            let command = "head -c 1G /dev/zero | (ulimit -v 1000000; \"$0\" judge -)"
            let outcome = try await Program.run(["bash", "-c", command, Program.slotsync])
            #expect(outcome.exitCode == 64 && outcome.errors.contains("line 1 is longer than"), "\(outcome)")
        }

        @Test("a verdict that cannot be written is no success")
        func fullDisk() async throws {
            try await Workbench.use { bench in
                let tree = try bench.tree("recordings")
                try tree.file("pushes", Array(push("a", controls: 3, load: 1).utf8))
                let outcome = try await Program.run(
                    ["bash", "-c", "\"$0\" judge pushes > /dev/full", Program.slotsync], in: tree.path)
                #expect(outcome.exitCode == 1 && outcome.errors.contains("standard output"), "\(outcome)")
            }
        }
    }
}

/// A push with three canaries whose load is multiplied by the flip.
private func push(_ name: String, controls: Int, load factor: Double) -> String {
    // Noise that is the same every time: a few digits of a multiplicative sequence.
    func series(_ host: Int, _ moment: Int, _ factor: Double) -> String {
        let samples = (0..<12).map { at in
            let noise = Double((host * 31 + (moment + at) * 17 + host * at * 7) % 23) / 230
            return String(format: "%.3f", factor * (1 + noise))
        }
        return "[\(samples.joined(separator: ","))]"
    }
    let hosts = (0..<controls + 3).map { host in
        let isCanary = host < 3
        return """
            "\(isCanary ? "c" : "h")\(host)":{"role":"\(isCanary ? "canary" : "control")",\
            "baseline":{"load":\(series(host, 0, 1))},"after":{"load":\(series(host, 12, isCanary ? factor : 1))}}
            """
    }
    return """
        {"case":"\(name)","metrics":[{"name":"load","kind":"gauge"}],"hosts":{\(hosts.joined(separator: ","))}}
        """
}

private func verdicts(_ output: String) throws -> [[String: Any]] {
    try output.split(separator: "\n").map { line in
        try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
}
