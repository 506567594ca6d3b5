// The longest series that a recording may have are judged in the memory that they take, and not in its square.

import CanaryRecording
import Glibc
import Testing

@testable import Canary

@Suite struct LongSeriesTests {
    @Test func longSeriesTakeNoMoreThanTheirLength() {
        let metric = Metric(name: "latency", kind: .gauge)
        let hosts = (0..<4).map { host in
            let series = (0..<18_000).map { Double(($0 * 7919 + host * 31) % 101) }
            return HostSamples(
                host: "h\(host)", role: host == 0 ? .canary : .control, baseline: [series], after: [series])
        }
        let before = mostMemory()
        let judgement = Judge(JudgeSettings()).judge(Recording(name: "long", metrics: [metric], hosts: hosts))
        #expect(judgement.verdict != .regression, "\(judgement.why)")
        // 36,000 squared would be 10 GB.
        #expect(mostMemory() - before < 1 << 30)
    }

    @Test func looksAreBounded() {
        #expect(Judge.step(of: 0) == 1 && Judge.step(of: Judge.mostLooks) == 1)
        for looks in [Judge.mostLooks + 1, 36_000, 100_000, Int.max / 2] {
            #expect(looks / Judge.step(of: looks) <= Judge.mostLooks)
        }
    }

    @Test func fewSamplesOfManyHostsAreCountedAsLongAsTheLongest() throws {
        let most = RecordingFormat.maximumCells
        func line(hosts: Int) -> String {
            let empty = (0..<hosts).map { #","h\#($0)":{"role":"control","baseline":{"m":[]},"after":{"m":[]}}"# }
                .joined()
            let long = String(repeating: "0,", count: 9_999) + "0"
            return
                #"{"case":"x","metrics":[{"name":"m","kind":"gauge","worse":"higher"}],"hosts":{"c":{"role":"canary","#
                + #""baseline":{"m":[\#(long)]},"after":{"m":[]}}\#(empty)}}"#
        }
        _ = try RecordingReader().read(Array(line(hosts: most / 10_000 - 1).utf8))
        let error = #expect(throws: (any Error).self) {
            try RecordingReader().read(Array(line(hosts: most / 10_000).utf8))
        }
        #expect("\(String(describing: error))".contains("\(most) samples are the most"))
    }

    @Test func orderedToBeSlowAMedianIsFound() {
        // Each pass's pivot, the one in the middle, is the largest that is left.
        var values = [Double](repeating: 0, count: 4096)
        var order = Array(values.indices)
        var rank = Double(values.count)
        while !order.isEmpty {
            let middle = (order.count - 1) / 2
            values[order[middle]] = rank
            rank -= 1
            order.swapAt(middle, order.count - 1)
            order.removeLast()
        }
        #expect(median(&values) == 2048.5)
    }

    /// In bytes: the most that this process has had at once.
    private func mostMemory() -> Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss << 10
    }
}
