// Permits that tasks wait for: as many as there are, in the order of coming, and none is lost to who gives up.

import Testing

@testable import SlotSync

@Suite("A bound on what goes on at once", .timeLimit(.minutes(1)))
struct ConcurrencyBoundTests {
    @FleetActor
    private final class Course {
        var inside = 0
        var most = 0
        var order: [Int] = []

        func work(_ number: Int, in bound: ConcurrencyBound) async throws {
            try await bound.withPermit {
                inside += 1
                most = max(most, inside)
                order.append(number)
                for _ in 0..<3 { await Task.yield() }
                inside -= 1
            }
        }
    }

    @Test("all get a permit, in the order of coming, and no more than there are at a time", arguments: [1, 3, 50])
    @FleetActor
    func order(_ permits: Int) async throws {
        let (bound, course) = (ConcurrencyBound(permits), Course())
        let tasks = (0..<20).map { number in Task { @FleetActor in try await course.work(number, in: bound) } }
        for task in tasks { try await task.value }
        // Those that get in at the same moment may begin in any order.
        #expect(course.order.enumerated().allSatisfy { abs($0.offset - $0.element) < permits }, "\(course.order)")
        #expect(course.order.sorted() == Array(0..<20) && course.most == min(permits, 20))
    }

    @Test("who is cancelled while waiting gives way, and what fails inside leaves its permit")
    @FleetActor
    func givenUp() async throws {
        struct Failure: Error {}
        let (bound, course, gate) = (ConcurrencyBound(1), Course(), Wakeup())
        let first = Task { @FleetActor in
            try await bound.withPermit {
                try await gate.wait()
                throw Failure()
            }
        }
        let waiting = (0..<10).map { number in Task { @FleetActor in try await course.work(number, in: bound) } }
        // The actor's queue is first in, first out: all of them have come to where they wait.
        await Task.yield()
        for number in [0, 4, 9] { waiting[number].cancel() }
        gate.wake()
        await #expect(throws: Failure.self) { try await first.value }
        for (number, task) in waiting.enumerated() {
            if [0, 4, 9].contains(number) {
                await #expect(throws: CancellationError.self) { try await task.value }
            } else {
                try await task.value
            }
        }
        #expect(course.order == [1, 2, 3, 5, 6, 7, 8])
        try await course.work(10, in: bound)
    }

    @Test("where too many came, fewer are let in, and more again as they get through; all get in")
    @FleetActor
    func narrowed() async throws {
        let (bound, course) = (ConcurrencyBound(16), Course())
        let first = Task { @FleetActor in
            try await bound.withPermit {
                bound.narrow()
                bound.narrow()
                bound.narrow()
            }
        }
        try await first.value
        #expect(bound.limit == 1)
        // What was not tried before is tried slowly.
        for limit in [1, 2] {
            for _ in 0..<8 * limit {
                #expect(bound.limit == limit)
                bound.widen()
            }
        }
        #expect(bound.limit == 3)
        let tasks = (0..<20).map { number in Task { @FleetActor in try await course.work(number, in: bound) } }
        for task in tasks { try await task.value }
        #expect(course.most == 3 && course.order == Array(0..<20))
        for _ in 0..<2000 { bound.widen() }
        #expect(bound.limit == 16)
    }

    @Test("what went well at the same time before is given again at once")
    @FleetActor
    func ceiling() async throws {
        let bound = ConcurrencyBound(16)
        let gate = Wakeup()
        let tasks = (0..<10).map { _ in Task { @FleetActor in try await bound.withPermit { try await gate.wait() } } }
        for _ in 0..<100 { await Task.yield() }
        bound.narrow()
        #expect(bound.limit == 5)
        for _ in 0..<5 { bound.widen() }
        #expect(bound.limit == 10)
        bound.widen()
        #expect(bound.limit == 10)
        gate.wake()
        for task in tasks { try await task.value }
    }
}
