// Recorded comparisons: what is written reads back, and nothing that could change a verdict is taken silently.

import Canary
import CanaryRecording
import SlotSync
import Testing

@Suite struct RecordingFormatTests {
    // MARK: What is read

    @Test func aLineHasAllThatTheFormNames() throws {
        let recording = try read(
            """
            {"case": "a", "interval_s": 2.5, "metrics": [
              {"name": "cpu", "kind": "gauge", "tolerance": 0.05, "weight": 2, "unit": "%"},
              {"name": "served", "kind": "counter", "worse": "lower", "critical": true}],
             "hosts": {
              "h0": {"role": "canary", "baseline": {"served": [1, 2], "cpu": [-0.5, null]},
                     "after": {"cpu": [3], "served": []}},
              "h1": {"after": {"cpu": [4e2], "served": [0]}, "baseline": {"cpu": [], "served": [7]},
                     "role": "control"}}}
            """.replacing("\n", with: " "))
        let expected = Recording(
            name: "a", interval: 2.5,
            metrics: [
                Metric(name: "cpu", kind: .gauge, tolerance: 0.05, weight: 2),
                Metric(name: "served", kind: .counter, worse: .lower, from: .flip, isCritical: true),
            ],
            hosts: [
                HostSamples(
                    host: "h0", role: .canary, baseline: [[-0.5, .nan], [1, 2]], after: [[3], []]),
                HostSamples(host: "h1", role: .control, baseline: [[], [7]], after: [[400], [0]]),
            ])
        #expect(recording.isSame(as: expected))
    }

    @Test func metricsMayStandBehindTheHosts() throws {
        let recording = try read(
            """
            {"hosts":{"h":{"role":"canary","baseline":{"m":[1]},"after":{"m":[2]}}},\
            "metrics":[{"name":"m","kind":"gauge"}],"case":"late"}
            """)
        #expect(recording.hosts[0].after == [[2]])
        #expect(recording.interval == 5)
    }

    @Test func whatOnlyDescribesIsIgnored() throws {
        let recording = try read(
            valid.replacing("{\"case\"", with: "{\"release\":{\"id\":[[1]]},\"case\"")
                .replacing("{\"role\"", with: "{\"rack\":7,\"role\""))
        #expect(recording.isSame(as: try read(valid)))
    }

    // MARK: Round trip

    @Test func whatIsWrittenReadsBack() throws {
        let reader = try RecordingReader()
        for seed in 0..<2_000 as Range<UInt64> {
            let recording = Recording.random(seed: seed)
            let line = recording.line
            #expect(!line.utf8.contains(0x0a))
            let again = try reader.read(Array(line.utf8))
            #expect(again.isSame(as: recording), "seed \(seed): \(line)")
        }
    }

    @Test func whatIsNotANumberIsWrittenAsMissing() throws {
        let recording = Recording(
            name: "a", metrics: [Metric(name: "m", kind: .gauge)],
            hosts: [HostSamples(host: "h", role: .canary, baseline: [[.infinity, .nan]], after: [[-.infinity]])])
        #expect(recording.line.contains("\"baseline\":{\"m\":[null,null]},\"after\":{\"m\":[null]}"))
    }

    // MARK: Hostile input

    /// What is replaced in a valid line, what it is replaced with, and what the error has to name.
    static let faults: [(String, String, String)] = [
        ("\"case\":\"a\",", "", "case is missing"),
        ("\"case\":\"a\"", "\"case\":7", "case is not a text"),
        ("\"case\":\"a\"", "\"case\":\"\"", "case is not a text"),
        ("\"case\":\"a\"", "\"case\":\"\(String(repeating: "x", count: 1_025))\"", "case is not a text"),
        ("\"case\":\"a\"", "\"case\":\"a\",\"case\":\"a\"", "case stands there twice"),
        ("\"case\":\"a\"", "\"case\":\"a\",\"interval_s\":0", "interval_s"),
        ("\"case\":\"a\"", "\"case\":\"a\",\"gap_s\":86401", "gap_s"),
        ("\"case\":\"a\"", "\"case\":\"a\",\"settle_s\":-1", "settle_s"),
        ("\"case\":\"a\"", "\"case\":\"a\",\"window_s\":\"60\"", "window_s"),
        ("\"case\":\"a\"", "\"case\":\"a\",\"interval_s\":-5", "interval_s"),
        ("\"case\":\"a\"", "\"case\":\"a\",\"interval_s\":\"5\"", "interval_s"),
        ("\"case\":\"a\"", "\"case\":\"a\",\"interval_s\":1e9", "interval_s"),
        ("[{\"name\":\"m\",\"kind\":\"gauge\"},", "[7,", "metrics[0] is not an object"),
        ("\"metrics\":[", "\"metrics\":7,\"x\":[", "metrics is not a list"),
        ("\"gauge\"", "\"Gauge\"", "metrics[0].kind is \"Gauge\", not gauge or counter"),
        ("\"gauge\"", "null", "metrics[0].kind"),
        ("\"kind\":\"gauge\"", "\"worse\":\"higher\"", "metrics[0].kind is missing"),
        ("\"gauge\"", "\"gauge\",\"worse\":\"up\"", "metrics[0].worse is \"up\", not higher or lower"),
        ("\"gauge\"", "\"gauge\",\"from\":\"start\"", "metrics[0].from is \"start\", not settled or flip"),
        ("\"gauge\"", "\"gauge\",\"weight\":0", "metrics[0].weight"),
        ("\"gauge\"", "\"gauge\",\"weight\":\"2\"", "metrics[0].weight"),
        ("\"gauge\"", "\"gauge\",\"tolerance\":-0.1", "metrics[0].tolerance"),
        ("\"gauge\"", "\"gauge\",\"tolerance\":\"5%\"", "metrics[0].tolerance"),
        ("\"gauge\"", "\"gauge\",\"critical\":1", "metrics[0].critical"),
        ("\"gauge\"", "\"gauge\",\"tolerence\":0.1", "metrics[0] has a key \"tolerence\""),
        ("\"gauge\"", "\"gauge\",\"kind\":\"gauge\"", "metrics[0].kind stands there twice"),
        ("\"name\":\"e\"", "\"name\":\"m\"", "metrics[1].name is \"m\", as that of a metric before it"),
        ("\"h1\":", "\"h0\":", "hosts.\"h0\" stands there twice"),
        ("\"h1\":", "\"\":", "hosts has a name"),
        ("\"h1\":{", "\"h2\":null,\"h1\":{", "hosts.\"h2\" is not an object"),
        ("\"canary\"", "\"control\"", "hosts has no canary"),
        ("\"canary\"", "\"pigeon\"", "hosts.\"h0\".role is \"pigeon\", not canary or control"),
        ("\"role\":\"canary\",", "", "hosts.\"h0\".role is missing"),
        ("\"after\":{\"m\":[3],\"e\":[4]}", "\"later\":{}", "hosts.\"h0\".after is missing"),
        ("\"m\":[3],", "", "hosts.\"h0\".after.\"m\" is missing"),
        ("\"m\":[3],", "\"m\":[3],\"m\":[3],", "hosts.\"h0\".after.\"m\" stands there twice"),
        ("\"m\":[3],", "\"m\":[3],\"n\":[3],", "hosts.\"h0\".after has a metric \"n\""),
        ("\"m\":[3]", "\"m\":3", "hosts.\"h0\".after.\"m\" is not a list"),
        ("\"m\":[3]", "\"m\":[[3]]", "hosts.\"h0\".after.\"m\"[0] is neither a number nor null"),
        ("\"m\":[3]", "\"m\":[3,\"4\"]", "hosts.\"h0\".after.\"m\"[1] is neither a number nor null"),
        ("\"m\":[3]", "\"m\":[true]", "hosts.\"h0\".after.\"m\"[0] is neither a number nor null"),
        ("\"e\":[4]", "\"e\":[4,-1]", "hosts.\"h0\".after.\"e\"[1] is -1.0, but a counter"),
        ("\"m\":[3]", "\"m\":[NaN]", "is not JSON"),
        ("\"m\":[3]", "\"m\":[Infinity]", "is not JSON"),
        ("\"m\":[3]", "\"m\":[1e999]", "is not JSON"),
        ("\"m\":[3]", "\"m\":[03]", "is not JSON"),
        ("\"m\":[3]", "\"m\":[3,]", "is not JSON"),
        ("}}}}", "}}}", "is not JSON"),
        ("}}}}", "}}}} {}", "is not JSON"),
    ]

    @Test(arguments: faults)
    func whatIsWrongIsNamed(_ old: String, _ new: String, _ message: String) throws {
        let range = try #require(valid.firstRange(of: old))
        let line = "\(valid[..<range.lowerBound])\(new)\(valid[range.upperBound...])"
        let error = #expect(throws: SlotSyncError.self) { try read(line) }
        #expect(error?.code == .badInput)
        #expect(error?.message.contains(message) == true, "\(error as Any)")
    }

    @Test func noPrefixOfALineIsARecording() throws {
        let bytes = Array(valid.utf8)
        for length in bytes.indices {
            #expect(throws: SlotSyncError.self) { try read(bytes[..<length]) }
        }
    }

    @Test func noiseIsRefusedAndDamageDoesNoHarm() throws {
        var random = SplitMix(state: 11)
        for _ in 0..<3_000 {
            var bytes = Array(valid.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            // Whatever it is now, it is a recording with a canary or an error of the input.
            do {
                #expect(try read(bytes[...]).hosts.contains { $0.role == .canary })
            } catch {
                #expect((error as? SlotSyncError)?.code == .badInput)
            }
            let noise = (0..<64).map { _ in UInt8.random(in: 0...255, using: &random) }
            #expect(throws: SlotSyncError.self) { try read(noise[...]) }
        }
    }

    @Test func depthIsBounded() {
        for depth in [65, 100_000] {
            let nested = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            let error = #expect(throws: SlotSyncError.self) {
                try read(valid.replacing("\"case\"", with: "\"x\":\(nested),\"case\""))
            }
            #expect(error?.message.contains("is not JSON") == true, "\(error as Any)")
        }
    }

    @Test func countsAreBounded() {
        let samples = String(repeating: "1,", count: RecordingFormat.maximumSamples) + "1"
        let metrics = String(repeating: "{},", count: RecordingFormat.maximumMetrics)
        let hosts = (0..<RecordingFormat.maximumHosts).map { "\"x\($0)\":{}," }.joined()
        for (old, new, message) in [
            ("\"m\":[3]", "\"m\":[\(samples)]", "hosts.\"h0\".after.\"m\" has 100001 samples"),
            ("\"metrics\":[", "\"metrics\":[\(metrics)", "metrics has 1002 metrics"),
            ("\"hosts\":{", "\"hosts\":{\(hosts)", "hosts has 100002 hosts"),
        ] {
            let error = #expect(throws: SlotSyncError.self) { try read(valid.replacing(old, with: new)) }
            #expect(error?.message.contains(message) == true, "\(error as Any)")
        }
        let long = [UInt8](repeating: 0x20, count: RecordingFormat.maximumLineLength + 1)
        let error = #expect(throws: SlotSyncError.self) { try read(long[...]) }
        #expect(error?.message.contains("is longer than") == true)
    }

    @Test func aReaderGoesOnAfterABadLine() throws {
        let reader = try RecordingReader()
        for text in ["{", valid, "[]", "", valid] {
            let line = Array(text.utf8)
            if text == valid {
                #expect(try reader.read(line).hosts.count == 2)
            } else {
                #expect(throws: SlotSyncError.self) { try reader.read(line) }
            }
        }
    }

    @Test func theNameOfAHostCannotForgeAnError() throws {
        let error = #expect(throws: SlotSyncError.self) {
            try read(valid.replacing("\"h0\":{\"role\":\"canary\"", with: #""h\u001b[2J\n0":{"role":"x""#))
        }
        #expect(error?.message.contains("\u{1b}") == false && error?.message.contains("\n") == false)
    }
}

private let valid = """
    {"case":"a","metrics":[{"name":"m","kind":"gauge"},{"name":"e","kind":"counter"}],"hosts":{\
    "h0":{"role":"canary","baseline":{"m":[1],"e":[2]},"after":{"m":[3],"e":[4]}},\
    "h1":{"role":"control","baseline":{"m":[5],"e":[6]},"after":{"m":[7],"e":[8]}}}}
    """

@discardableResult
private func read(_ line: String) throws -> Recording { try read(Array(line.utf8)[...]) }

@discardableResult
private func read(_ line: ArraySlice<UInt8>) throws -> Recording { try RecordingReader().read(Array(line)) }
