// The date and the time of day of a moment.

import Testing

@testable import CanaryReport

@Suite struct MomentTextTests {
    @Test(
        arguments: [
            (0, "1970-01-01", "00:00:00"), (951_827_696.9, "2000-02-29", "12:34:56"),
            (1_795_521_784, "2026-11-24", "12:03:04"),
            (4_107_542_399, "2100-02-28", "23:59:59"), (4_107_542_400, "2100-03-01", "00:00:00"), (-1, "–", "–"),
            (.nan, "–", "–"), (1e300, "–", "–"),
        ] as [(Double, String, String)])
    func moments(unixTime: Double, date: String, clock: String) {
        let moment = MomentText.moment(unixTime)
        #expect(moment.date == date)
        #expect(moment.clock == clock)
    }
}
