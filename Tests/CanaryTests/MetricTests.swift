import Canary
import Testing

@Suite struct MetricTests {
    @Test func whatIsWorseIsHigherUnlessItIsSaid() {
        #expect(Metric(name: "errors", kind: .counter).worse == .higher)
    }
}
