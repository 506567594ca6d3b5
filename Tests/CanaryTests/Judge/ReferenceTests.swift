// Whole judgements against the reference judge's, on complete recordings of fleets where the design is the same.

import Testing

@testable import Canary

@Suite struct ReferenceTests {
    /// A push of the reference values, with what the reference says of each metric.
    struct Case: CustomTestStringConvertible, Sendable {
        var recording: Recording
        var expected: [(p: Double, effect: Double)]
        var testDescription: String { recording.name }
    }

    /// A push begins with its numbers of canaries, of controls and of samples before and after the flip; a metric with the
    /// reference's p-value and effect, and a row of samples for each host follows, the canaries first.
    /// scripts/judge-values writes them.
    static func cases() throws -> [Case] {
        var cases: [Case] = []
        var before = 0
        var row = 0
        for words in try dataLines("reference-values.txt").map({ $0.map(String.init) }) {
            if words[0] == "case", let canaries = Int(words[1]), let controls = Int(words[2]) {
                let hosts = (0..<canaries + controls).map {
                    HostSamples(host: "h\($0)", role: $0 < canaries ? .canary : .control, baseline: [], after: [])
                }
                cases.append(
                    Case(
                        recording: Recording(name: "\(canaries) of \(controls)", metrics: [], hosts: hosts),
                        expected: []))
                before = Int(words[3]) ?? 0
            } else if words[0] == "metric", let p = Double(words[4]), let effect = Double(words[5]) {
                let metric = Metric(
                    name: words[1], kind: words[2] == "gauge" ? .gauge : .counter,
                    worse: words[3] == "lower" ? .lower : .higher, from: .flip)
                cases[cases.count - 1].recording.metrics.append(metric)
                cases[cases.count - 1].expected.append((p, effect))
                row = 0
            } else {
                let values = words.compactMap { Double($0) }
                cases[cases.count - 1].recording.hosts[row].baseline.append(Array(values[..<before]))
                cases[cases.count - 1].recording.hosts[row].after.append(Array(values[before...]))
                row += 1
            }
        }
        return cases
    }

    @Test(arguments: try cases()) func pValuesAreTheReferences(_ example: Case) throws {
        let judgement = Judge(JudgeSettings()).judge(example.recording)
        try #require(judgement.metrics.count == 5)
        let controls = example.recording.hosts.count { $0.role == .control }
        for ((metric, found), expected) in zip(zip(example.recording.metrics, judgement.metrics), example.expected) {
            let p = try #require(found.p)
            if controls >= 12, ["cpu", "hits"].contains(metric.name) {
                // From here on levels are compared with those of the other gauges, by a line where the reference takes
                // the difference, and estimated from the whole series where it takes the base line: about the same.
                let (z, reference) = (Normal.upperQuantile(p), Normal.upperQuantile(expected.p))
                #expect(abs(z - reference) < 0.5, "\(metric.name): \(p), not about \(expected.p)")
                #expect(abs(try #require(found.effect) - change(metric, expected.effect)) < 0.05, "\(metric.name)")
                continue
            }
            #expect(abs(p / expected.p - 1) < 1e-6, "\(metric.name): \(p), not \(expected.p)")
            if expected.p < 1 {
                #expect(abs(try #require(found.effect) - change(metric, expected.effect)) < 1e-6, "\(metric.name)")
            }
        }
    }

    /// The reference says by how much a metric is worse; the judge, how it changed.
    private func change(_ metric: Metric, _ worse: Double) -> Double {
        metric.worse == .lower ? 1 / (1 + worse) - 1 : worse
    }

    @Test func theReferenceValuesHaveRegressionsAndNone() throws {
        let cases = try Self.cases()
        #expect(cases.map(\.recording.hosts.count) == [5, 12, 34, 45, 4, 64])
        #expect(cases.flatMap(\.recording.hosts).allSatisfy { $0.baseline.count == 5 && $0.after.count == 5 })
        let ps = cases.flatMap(\.expected).map(\.p)
        #expect(ps.count == 30 && ps.contains { $0 < 1e-4 } && ps.contains { $0 > 0.3 })
    }
}
