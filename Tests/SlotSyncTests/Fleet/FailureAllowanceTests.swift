import SlotSync
import Testing

@Suite struct FailureAllowanceTests {
    @Test func readsNumbersAndPercentages() {
        #expect(FailureAllowance("3") == .hosts(3))
        #expect(FailureAllowance("10%") == .percent(10))
        for text in ["", "%", "-1", "+1", "101%", "1.5", "a", "3 %", "99999999999999999999"] {
            #expect(FailureAllowance(text) == nil, "\(text)")
        }
    }

    @Test func aPercentageIsRoundedDown() {
        #expect(FailureAllowance.percent(10).hosts(of: 9) == 0)
        #expect(FailureAllowance.percent(10).hosts(of: 25) == 2)
        #expect(FailureAllowance.percent(100).hosts(of: 7) == 7)
        #expect(FailureAllowance.hosts(3).hosts(of: 2) == 2)
        #expect(FailureAllowance.none.hosts(of: 5) == 0)
    }
}
