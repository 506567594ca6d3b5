// From what a person types to a release.

import Testing

@testable import SlotSync

@Suite("Looking a release up")
struct ReleaseLookupTests {
    private let a = ContentDigest(high: 0xabcd_0000_0000_0000, low: 1)
    private let b = ContentDigest(high: 0xabce_0000_0000_0000, low: 2)
    private let c = ContentDigest(high: 0x1000_0000_0000_0000, low: 3)

    private func lookup(_ releases: (ContentDigest, String, SlotState)...) -> ReleaseLookup {
        let slots = releases.map { SlotStatus(state: $2, release: ReleaseName(id: $0, name: $1)) }
        return ReleaseLookup(rings: [RingStatus(slots: slots), RingStatus(slots: [SlotStatus(state: .empty)])])
    }

    private var three: ReleaseLookup { lookup((a, "v1", .retired), (b, "", .ready), (c, "abc", .live)) }

    @Test("a full ID, a prefix that only one has, or a name")
    func found() throws {
        for id in [a, b, c] { #expect(try three.find(id.description) == id) }
        #expect(try three.find("abcd") == a)
        #expect(try three.find("1") == c)
        #expect(try three.find("v1") == a)
    }

    @Test("a name wins over a prefix that looks like it")
    func name() throws {
        #expect(try three.find("abc") == c)
    }

    @Test(
        "what fits nothing, or more than one, is refused",
        arguments: ["", "v2", "ab", "0123456789abcdef0123456789abcdef"])
    func refused(text: String) {
        #expect(errorCode { _ = try three.find(text) } == .unknownRelease)
    }

    @Test("one name of two releases is ambiguous, and both are named")
    func twice() {
        let lookup = lookup((a, "v1", .retired), (b, "v1", .ready))
        let error = #expect(throws: SlotSyncError.self) { try lookup.find("v1") }
        #expect(
            error?.message.contains("abcd00000000 (v1)") == true && error?.message.contains("abce00000000 (v1)") == true
        )
    }

    @Test("a release that is only being staged is not there yet")
    func staging() {
        #expect(errorCode { _ = try lookup((a, "v1", .staging)).find("v1") } == .unknownRelease)
    }
}
