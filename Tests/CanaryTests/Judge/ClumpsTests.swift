// Events that come many at a time: seen within hosts over time, and then counted by clumps, so that good releases are not
// taken back for a burst.

import Testing

@testable import Canary

@Suite struct ClumpsTests {
    private let judge = Judge(JudgeSettings())
    private static let errors = [Metric(name: "errors", kind: .counter, from: .flip)]

    /// A push of which every event comes with others.
    private func inClumps(of size: Double, _ push: SimulatedPush) -> Recording {
        push.recording(Self.errors).mapped { _, _, _, value in value * size }
    }

    private func size(_ recording: Recording) -> Double {
        let table = SampleTable(recording, metric: 0, before: 12, settle: 2, after: 12)
        return Clumps.size(table, hosts: Roles(recording.hosts).controls)
    }

    private func taken(of pushes: ClosedRange<UInt64>, _ recording: (UInt64) -> Recording) -> Int {
        pushes.count { judge.judge(recording($0)).verdict == .regression }
    }

    @Test(arguments: [0.02, 0.3, 3]) func singleEventsAreNoClumps(_ rate: Double) {
        for seed in 1...200 as ClosedRange<UInt64> {
            #expect(size(SimulatedPush(seed: seed, rate: rate).recording(Self.errors)) == 1)
        }
    }

    @Test func trafficMakesNoClumps() {
        // All hosts at once, which is the fleet's course.
        for seed in 1...50 as ClosedRange<UInt64> {
            let quiet = SimulatedPush(seed: seed, rate: 2).recording(Self.errors)
            #expect(size(quiet.mapped { _, _, moment, value in moment % 3 == 0 ? 0 : value }) == 1)
        }
    }

    @Test func theSizeOfClumpsIsSeen() {
        for seed in 1...50 as ClosedRange<UInt64> {
            #expect(abs(size(inClumps(of: 2, SimulatedPush(seed: seed))) - 2) < 0.5)
            #expect(abs(size(inClumps(of: 5, SimulatedPush(seed: seed))) - 5) < 1.25)
        }
    }

    @Test func samplesThatDoNotComeMakeNoClumps() {
        var random = Seeded(state: 9)
        for seed in 1...50 as ClosedRange<UInt64> {
            let whole = SimulatedPush(seed: seed).recording(Self.errors)
            #expect(size(whole.mapped { _, _, _, value in random.next() % 10 == 0 ? .nan : value }) == 1)
        }
    }

    @Test(arguments: [-5, 4], [200.0, 2000]) func aBurstOnOneControlIsNoClumps(moment: Int, events: Double) {
        func caught(_ push: (UInt64) -> SimulatedPush, _ burst: Double) -> Int {
            taken(of: 1...40) { seed in
                let push = push(seed)
                return push.recording(Self.errors).mapped { host, _, at, value in
                    host == push.canaries && at == moment ? value + burst : value
                }
            }
        }
        let many = { SimulatedPush(seed: $0, controls: 17, rate: 1.5, factors: [2.5]) }
        if moment < 0 { #expect(caught(many, events) >= caught(many, 0) - 6) }
        for seed in 1...40 as ClosedRange<UInt64> {
            let burst = many(seed).recording(Self.errors).mapped { host, _, at, value in
                host == 3 && at == moment ? value + events : value
            }
            #expect(size(burst) == 1)
        }
    }

    @Test func goodReleasesAreNotTakenBackForABurst() {
        // Hosts that are alike: nothing but the clumps makes their counts differ.
        let taken = taken(of: 1...300) { seed in
            var random = Seeded(state: seed &+ 2_000_000)
            return SimulatedPush(seed: seed, canaries: 10).recording(Self.errors).mapped { _, _, _, _ in
                3 * random.poisson(0.12)
            }
        }
        #expect(taken <= 8)
    }

    @Test func regressionsOfClumpedEventsAreCaughtAsThoseOfTheClumps() {
        let single = taken(of: 1...100) { SimulatedPush(seed: $0, factors: [5]).recording(Self.errors) }
        let clumped = taken(of: 1...100) { inClumps(of: 3, SimulatedPush(seed: $0, factors: [5])) }
        #expect(single >= 60 && abs(clumped - single) <= 10, "\(clumped), \(single) of single events")
    }
}
