// Times as people read and write them.

import Testing

@testable import SlotSync

@Suite("Times as text")
struct TimeTextTests {
    @Test(
        "a measured time has two units at most",
        arguments: [
            (0, "0 s"), (0.031, "31 ms"), (0.9996, "1 s"), (2.86, "2.9 s"), (5, "5 s"), (9.96, "10 s"), (45.3, "45 s"),
            (59.7, "1 min"), (200, "3 min 20 s"), (3599.6, "1 h"), (3_600, "1 h"), (7_505, "2 h 5 min"),
            (3_600_000, "1,000 h"), (-1, "–"), (.nan, "–"), (.infinity, "–"), (1e300, "–"),
        ] as [(Double, String)])
    func measured(seconds: Double, text: String) { #expect(TimeText.rounded(seconds) == text) }

    @Test(
        "a time that somebody chose is told without what nobody said",
        arguments: [
            (0, "0 s"), (0.3, "300 ms"), (1, "1 s"), (1.8, "1.8 s"), (60, "1 min"), (90, "1 min 30 s"), (7200, "2 h"),
            (3661, "1 h 1 min 1 s"), (300, "5 min"), (60.5, "1 min 0.5 s"), (.nan, "–"), (-3, "–"), (1e12, "–"),
        ] as [(Double, String)])
    func chosen(seconds: Double, text: String) { #expect(TimeText.exact(seconds) == text) }

    @Test("a duration is told as its seconds are")
    func durations() {
        #expect(TimeText.exact(.milliseconds(1500)) == "1.5 s")
        #expect(TimeText.rounded(.milliseconds(2860)) == "2.9 s")
    }

    @Test(arguments: [(-30, "−30 s"), (0, "0 s"), (150, "+2 min 30 s")] as [(Double, String)])
    func offsets(seconds: Double, text: String) { #expect(TimeText.offset(seconds) == text) }

    @Test(
        "a time is read with a unit or as seconds, with decimals or without",
        arguments: [
            ("30", 30), ("30s", 30), ("500ms", 0.5), ("2.5s", 2.5), ("2.5", 2.5), (".5s", nil), ("1m", 60),
            ("1.5m", 90),
            ("2h", 7200), ("0", 0), ("100ms", 0.1), ("", nil), ("s", nil), ("ms", nil), ("-1s", nil), ("5 s", nil),
            ("1m30s", nil), ("5min", nil), ("5M", nil), ("1e3s", nil), ("1d", nil), ("inf", nil),
            ("9999999999999999999s", nil),
        ] as [(String, Double?)])
    func reading(text: String, seconds: Double?) { #expect(TimeText.seconds(in: text) == seconds) }

    @Test("a time in one unit reads back as it was written")
    func readsBack() {
        for milliseconds in 0..<60_000 {
            let seconds = Double(milliseconds) / 1000
            #expect(TimeText.seconds(in: TimeText.exact(seconds).filter { $0 != " " }) == seconds)
        }
    }
}
