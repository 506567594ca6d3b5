// The table that `slotsync status` prints.

@testable import SlotSync
import Testing

@testable import slotsync

@Suite("Table of status")
struct StatusTableTests {
    @Test("a name of wide letters takes the columns that a terminal shows it in")
    func wide() throws {
        #expect(
            TextTable.aligned([["A", "B"], ["網站", "x"], ["é\u{301}", "y"]]) == ["A     B", "網站  x", "é\u{301}     y"])
    }

    @Test("what a slot holds that no column names stands below, so that it can be named")
    func otherSlots() throws {
        func name(_ number: UInt8) -> ReleaseName { ReleaseName(id: ContentDigest(of: [number]), name: "v\(number)") }
        let slots = [
            SlotStatus(state: .retired, release: name(1), stage: 1),
            SlotStatus(state: .retired, release: name(2), previous: 1, stage: 2),
            SlotStatus(state: .live, release: name(3), previous: 2, stage: 3),
            SlotStatus(state: .ready, release: name(4), stage: 4),
            SlotStatus(state: .ready, release: name(5), stage: 5),
        ]
        let ring = RingStatus(slots: slots)
        let table = StatusTable([(host: try Host("web1"), ring: ring), (host: try Host("web2"), ring: ring)])
        #expect(
            table.lines.suffix(2) == [
                "web[1-2]: slot 1 was live: \(name(1).short)", "web[1-2]: slot 4 is ready, too: \(name(4).short)",
            ])
        #expect(table.lines.count == 5)
        #expect(table.lines.suffix(2).allSatisfy { $0.count <= 80 })
    }

    @Test("the columns of status stand below each other, whatever a release is called")
    func table() throws {
        let live = ReleaseName(id: ContentDigest(of: [1]), name: "line\nbreak")
        let ready = ReleaseName(id: ContentDigest(of: [2]))
        let slots = [
            SlotStatus(state: .bad, release: ready, reason: "it was slow"),
            SlotStatus(state: .live, release: live, previous: 1),
            SlotStatus(state: .ready, release: ready, stage: 1),
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
