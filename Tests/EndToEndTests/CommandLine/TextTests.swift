// Numbers and times as people read them, and the table of status.

@testable import SlotSync
import Testing

@testable import slotsync

@Suite("Text for people")
struct TextTests {
    @Test(
        "thousands are grouped",
        arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567"), (-1234, "-1,234")])
    func thousands(_ number: Int, _ text: String) { #expect(grouped(number) == text) }

    @Test("one is no plural")
    func plurals() {
        #expect(counted(1, "host") == "1 host")
        #expect(counted(0, "host") == "0 hosts")
    }

    @Test(
        "times have two units at most",
        arguments: [
            (31, "31 ms"), (2860, "2.8 s"), (45_000, "45 s"), (200_000, "3 min 20 s"), (7_500_000, "2 h 5 min"),
        ])
    func times(_ milliseconds: Int, _ text: String) { #expect(timeText(.milliseconds(milliseconds)) == text) }

    @Test(
        "a time that somebody chose is told without what nobody said",
        arguments: [
            (0, "0 s"), (0.3, "300 ms"), (1, "1 s"), (1.8, "1.8 s"), (60, "1 min"), (90, "1 min 30 s"), (7200, "2 h"),
            (3661, "1 h 1 min 1 s"), (300, "5 min"), (60.5, "1 min 0.5 s"),
        ])
    func chosenTimes(_ seconds: Double, _ text: String) { #expect(chosenTimeText(seconds) == text) }

    @Test("the columns of status stand below each other, whatever a release is called")
    func table() throws {
        let live = ReleaseName(id: ContentDigest(of: [1]), name: "line\nbreak")
        let ready = ReleaseName(id: ContentDigest(of: [2]))
        let slots = [
            SlotStatus(state: .bad, release: ready, reason: "it was slow"),
            SlotStatus(state: .live, release: live, previous: 1),
            SlotStatus(state: .ready, release: ready),
        ]
        let table = StatusTable([
            (
                host: try Host("web1"),
                ring: RingStatus(
                    slots: slots,
                    provisional: ProvisionalFlip(slot: 2, from: 3, since: 1, limit: .seconds(12)))
            ),
            (host: try Host("web10"), ring: nil),
        ])
        let first = "\(live.id.description.prefix(8)) (line\\nbreak)"
        #expect(
            table.lines == [
                "HOST   LIVE                    PREVIOUS  READY     SLOTS",
                "web1   \(first)  \(ready.short)  \(ready.short)  1 bad  2 live  3 ready",
                "web10  -                       -         -         no ring yet",
                "web1: slot 2 (release \(live.short)) is live provisionally: the host goes back to slot 3 when its controller "
                    + "ends, or is silent for 12 s, before it confirms the flip",
                "web1: slot 1 (release \(ready.short)) is bad: it was slow",
            ])
    }
}
