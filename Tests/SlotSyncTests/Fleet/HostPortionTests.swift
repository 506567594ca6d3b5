import SlotSync
import Testing

@Suite("A part of the fleet")
struct HostPortionTests {
    @Test(
        "numbers and shares are read, and written as they were",
        arguments: [
            ("3", HostPortion.count(3)), ("0", .count(0)), ("5%", .percent(5)), ("0.5%", .percent(0.5)),
            ("100%", .percent(100)),
        ])
    func read(text: String, portion: HostPortion) {
        #expect(HostPortion(text) == portion)
        #expect(portion.description == text)
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", "%", "-1", "+1", "1.5", "a", "101%", "1e3", ".5%", "5 %", "100001", "99999999999", "1.2.3%", "٣",
        ])
    func refused(text: String) {
        #expect(HostPortion(text) == nil)
    }

    @Test(
        "shares are rounded as their use wants it",
        arguments: [
            (HostPortion.percent(5), 100, 5, 5), (.percent(5), 101, 6, 5), (.percent(1.1), 1000, 11, 11),
            (.percent(0.1), 3, 1, 0), (.percent(0), 3, 0, 0), (.percent(10), 9, 1, 0), (.percent(0.7), 1000, 7, 7),
            (.percent(100), 7, 7, 7), (.count(3), 2, 3, 3), (.none, 5, 0, 0),
        ])
    func rounded(portion: HostPortion, fleet: Int, up: Int, down: Int) {
        #expect(portion.hosts(of: fleet) == up)
        #expect(portion.hosts(of: fleet, rounded: .down) == down)
    }
}
