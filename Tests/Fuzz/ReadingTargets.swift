// What a host reads of itself: lines of logs that anybody may write to, what commands print, the kernel's numbers; and what the
// report makes of such numbers.

@testable import Canary
@testable import CanaryReport
@testable import SlotSync
@testable import slotsync

let readingTargets = [
    FuzzTarget(name: "log-lines", longest: 8192, words: ["\n", "\r\n", "error", " 500 "]) {
        [[5, 200] + Array("GET / 500\r\nerror: no\n\n".utf8), [1, 1] + [UInt8](repeating: 0x61, count: 500)]
    } run: { bytes in
        var input = FuzzInput(bytes)
        let sizes = [Int(input.byte()), Int(input.byte())].map { max($0, 1) }
        let log = input.all()
        let (whole, cut) = lines(of: log, in: [max(log.count, 1)])
        demand((whole, cut) == lines(of: log, in: sizes), "the pieces in which a log is read make a difference")
        demand(whole.allSatisfy { $0.count <= ReadingLimits.longestLine }, "a line that is too long")
        var tally = LineTally(patterns)
        for line in whole { line.withUnsafeBytes { tally.count($0) } }
        _ = tally.outcomes(path: "/var/log/x")
        return true
    },
    FuzzTarget(
        name: "pattern", longest: 600,
        words: ["(?:a|b)*?", "\\d+", "[[:alpha:]]", "(?=", "(*UTF)", "\\R", "{2,3}", "(?R)"]
    ) {
        ["(?:a|b)*?(X|timeout)\0aaaa", "\" 5\\d\\d \0GET \" 500 ", "^(a+)+$\0aaaaaaaa!"].map { Array($0.utf8) }
    } run: { bytes in
        guard let text = String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self) else { return false }
        let line = Array(bytes.dropFirst(text.utf8.count + 1))
        guard let pattern = accepted({ () throws(SlotSyncError) in try LinePattern(text) }) else { return false }
        let answer = line.withUnsafeBytes { pattern.answer(in: $0) }
        demand(answer == line.withUnsafeBytes { pattern.answer(in: $0) }, "an answer changes")
        return true
    },
    FuzzTarget(name: "command-output", words: ["\n", "1e308", "-0", "nan", "inf", "0x1p3", "a 1\nb 2\n"]) {
        ["12.5\n", "requests 5\nerrors 1e-3\n", "cpu  1 2 3 4 5 6 7 8 9\ncpu0 1\n"].map { Array($0.utf8) }
    } run: { bytes in
        let outcome = CommandOutput.outcome(bytes)
        // It goes over the wire, which refuses what it may not carry.
        var message: [UInt8] = []
        Reply.sample(1, HostReadings([outcome])).encode(into: &message)
        let reply = accepted { () throws(SlotSyncError) in try Reply(type: message[4], payload: Array(message[5...])) }
        demand(reply != nil, "a reading that no controller takes: \(outcome)")
        if let times = ProcessorTimes(stat: String(decoding: bytes, as: UTF8.self)) {
            let share = times.share(since: times)
            demand(share == nil, "time passes between one reading and itself")
        }
        guard case .read = outcome else { return ProcessorTimes(stat: String(decoding: bytes, as: UTF8.self)) != nil }
        return true
    },
    FuzzTarget(name: "plot", longest: 400) {
        [[1.0, 2, 3], [5e-324, 1.7e308], [-1, 0, .nan, 1e17, 1e19]].map { values in
            [1] + values.flatMap { value in withUnsafeBytes(of: value.bitPattern.bigEndian) { Array($0) } }
        }
    } run: { bytes in
        var input = FuzzInput(bytes)
        let kind: Metric.Kind = input.byte() & 1 == 0 ? .gauge : .counter
        var values: [Double] = []
        while !input.rest.isEmpty { values.append(Double(bitPattern: input.number())) }
        // Nobody can record anything else.
        values = values.map { $0.isFinite && (kind == .gauge || $0 >= 0) ? $0 : .nan }
        plot(values, kind)
        return true
    },
]

/// One user at a time: libFuzzer has one thread.
private nonisolated(unsafe) let patterns = ["error", " 5\\d\\d ", "^$"].map { text -> LinePattern in
    do { return try LinePattern(text) } catch { fatalError("\(error)") }
}

private func lines(of log: [UInt8], in sizes: [Int]) -> (lines: [[UInt8]], cut: Int) {
    var splitter = LineSplitter()
    var (lines, rest, turn): ([[UInt8]], ArraySlice<UInt8>, Int) = ([], log[...], 0)
    while !rest.isEmpty {
        let piece = rest.prefix(sizes[turn % sizes.count])
        rest = rest.dropFirst(piece.count)
        turn += 1
        piece.withUnsafeBytes { splitter.take($0) { lines.append(Array($0)) } }
    }
    splitter.finish { lines.append(Array($0)) }
    return (lines, splitter.cutLines)
}

/// The page of a push that sampled these values on two hosts, and the terminal's bars.
private func plot(_ values: [Double], _ kind: Metric.Kind) {
    _ = Sparkline.text(values, width: 8)
    let scale = PlotScale.values(values.filter { !$0.isNaN }, kind: kind)
    demand(scale.ticks.count < 100 && scale.tickLabels.count == scale.ticks.count, "\(scale.ticks.count) ticks")
    for value in values { demand((-1...2).contains(scale.place(value)), "\(value) lies at \(scale.place(value))") }
    guard let canary = try? Host("web1"), let control = try? Host("web2") else { return }
    let metric = MetricSettings(name: "m", source: .host(.loadAverage), kind: kind)
    var settings = CanarySettings()
    settings.metrics = [metric]
    var samples = SampleLog(hosts: [canary, control], metrics: [metric.metric], interval: 5)
    for (index, value) in values.enumerated() {
        let round = samples.beginRound(at: Double(index / 2) * 5)
        samples.record(value, round: round, host: index % 2, metric: 0)
    }
    func outcome(_ host: Host, _ step: RolloutPlan.StepKind, _ flip: Double?) -> RolloutOutcome.HostOutcome {
        RolloutOutcome.HostOutcome(
            host: host, step: step, standing: flip == nil ? .notFlipped : .live, flippedAt: flip, failure: nil,
            isMarkedBad: false, isUnjudged: false)
    }
    let hosts = [outcome(canary, .canaries, 10), outcome(control, .everybody, nil)]
    guard let plan = try? RolloutPlan(hosts: hosts.map(\.host), settings: settings, mode: .full) else { return }
    let result = PushResult(
        outcome: RolloutOutcome(
            ending: .live, hosts: hosts, judgement: nil, sentences: [""], lackSentence: nil, timeline: []),
        plan: plan, staged: nil, comparisons: [], forecast: nil, detection: nil, samples: samples,
        start: Timestamp(seconds: 0, nanoseconds: 0), seconds: Double(values.count) * 3)
    let page = ReportPage(result, title: "t", command: "c", version: "v", recording: nil).html
    demand(!page.isEmpty, "no page")
}
