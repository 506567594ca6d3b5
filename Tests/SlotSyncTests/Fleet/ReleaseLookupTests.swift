// From what a person types to a release.

import Testing

@testable import SlotSync

@Suite("Looking a release up")
struct ReleaseLookupTests {
    private let a = ContentDigest(high: 0xabcd_0000_0000_0000, low: 1)
    private let b = ContentDigest(high: 0xabce_0000_0000_0000, low: 2)
    private let c = ContentDigest(high: 0x1000_0000_0000_0000, low: 3)

    private func lookup(_ releases: (ContentDigest, String, SlotState)...) throws -> ReleaseLookup {
        let slots = releases.enumerated().map { index, slot in
            SlotStatus(state: slot.2, release: ReleaseName(id: slot.0, name: slot.1), stage: index + 1)
        }
        let hosts = try [Host("h1"), Host("h2")]
        let rings = [RingStatus(slots: slots), RingStatus(slots: [SlotStatus(state: .empty)])]
        return ReleaseLookup(rings: zip(hosts, rings).map { ($0, $1) })
    }

    private func three() throws -> ReleaseLookup {
        try lookup((a, "v1", .retired), (b, "", .ready), (c, "abcd00", .live))
    }

    @Test("a full ID, a prefix that only one has, or a name")
    func found() throws {
        for id in [a, b, c] { #expect(try three().find(id.description) == id) }
        #expect(try three().find("abce00") == b)
        #expect(try three().find("100000") == c)
        #expect(try three().find("v1") == a)
    }

    @Test("a name wins over a prefix that looks like it")
    func name() throws {
        #expect(try three().find("abcd00") == c)
    }

    @Test(
        "what fits nothing, or more than one, is refused",
        arguments: ["", "v2", "ab", "abcd0", "1", "0123456789abcdef0123456789abcdef"])
    func refused(text: String) {
        #expect(errorCode { _ = try three().find(text) } == .unknownRelease)
    }

    @Test("a few digits are no release, and what they may stand for is told: an ID, a slot")
    func tooShort() throws {
        func message(_ text: String) throws -> String {
            let lookup = try three()
            return errorMessage { _ = try lookup.find(text) }
        }
        #expect(try message("abce").contains("at least 6 digits; so begins abce00000000"))
        #expect(try message("3").contains("slot 3 of h1 holds release 100000000000"))
        let one = try message("1")
        #expect(one.contains("so begins 1000") && one.contains("slot 1 of h1 holds release abcd00000000"))
    }

    @Test("of several releases with one name a flip takes the one that was staged last, a rollback the one before")
    func sameName() throws {
        let twice = try lookup((a, "main", .retired), (b, "main", .live), (c, "main", .ready))
        #expect(try twice.find("main") == c)
        #expect(try lookup((c, "main", .ready), (a, "main", .retired), (b, "main", .live)).find("main") == b)
        // Where a host lacks it, the others say which is meant.
        let lacking = try lookup((a, "main", .retired), (b, "main", .live))
        #expect(try ReleaseLookup(rings: [twice.rings[0], lacking.rings[0]]).find("main") == c)
        var slots = twice.rings[0].ring
        slots.slots[1].previous = 1
        #expect(try ReleaseLookup(rings: [(twice.rings[0].host, slots)]).find("main", for: .rollback) == a)
    }

    @Test("a name does not mean what a rollback passed over, and its ID is told; nor the older ones")
    func passed() throws {
        let hosts = try lookup((a, "main", .live), (b, "main", .retired), (c, "main", .ready)).rings
        var ring = hosts[0].ring
        ring.passedStage = 3
        let passed = ReleaseLookup(rings: [(hosts[0].host, ring)])
        #expect(errorMessage { _ = try passed.find("main") }.contains("slotsync flip \(c)"))
        #expect(try passed.find("\(c)") == c)
        // Where another one was staged since, that is meant.
        #expect(try ReleaseLookup(rings: [(hosts[0].host, ring), hosts[0]]).find("main") == c)
        ring.slots[1] = SlotStatus(state: .ready, release: ReleaseName(id: b, name: "main"), stage: 4)
        #expect(try ReleaseLookup(rings: [(hosts[0].host, ring)]).find("main") == b)
    }

    @Test("one name of two releases that are both over is ambiguous, and both are named")
    func twice() throws {
        let lookup = try lookup((a, "v1", .retired), (b, "v1", .retired))
        let error = #expect(throws: SlotSyncError.self) { try lookup.find("v1") }
        #expect(
            error?.message.contains("abcd00000000 (v1)") == true && error?.message.contains("abce00000000 (v1)") == true
        )
    }

    @Test("a name that one host alone has for a release leads nobody to it")
    func madeUp() throws {
        func ring(_ nameOfA: String) -> RingStatus {
            RingStatus(slots: [
                SlotStatus(state: .retired, release: ReleaseName(id: a, name: nameOfA), stage: 1),
                SlotStatus(state: .ready, release: ReleaseName(id: b, name: "v2"), stage: 2),
            ])
        }
        for honest in 1...3 {
            let names = Array(repeating: "v1", count: honest) + ["abce00", "v3"]
            for name in names.suffix(2) {
                let hosts = try (0...honest).map { try Host("h\($0)") }
                let rings = zip(hosts, Array(repeating: ring("v1"), count: honest) + [ring(name)])
                let lookup = ReleaseLookup(rings: rings.map { ($0, $1) })
                #expect(try lookup.find("v2") == b && lookup.find("\(a)") == a)
                #expect(try lookup.find("abce00") == b, "the beginning of an ID, and no name")
                #expect(errorMessage { _ = try lookup.find("v3") }.contains(name == "v3" ? "not most" : "no host"))
            }
        }
    }

    @Test("a release that is only being staged is not there yet")
    func staging() {
        #expect(errorCode { _ = try self.lookup((a, "v1", .staging)).find("v1") } == .unknownRelease)
    }
}
