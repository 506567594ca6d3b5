// Permits that tasks wait for: as many as there are, in the order of coming, and none is lost to who gives up.

import Testing

@testable import SlotSync

@Suite("A bound on what goes on at once", .timeLimit(.minutes(1)))
struct ConcurrencyBoundTests {
    @FleetActor
    private final class Course {
        var inside = 0
        var most = 0
        /// Who came, in the order of coming, which is not that in which the tasks were made.
        var came: [Int] = []
        var order: [Int] = []

        func work(_ number: Int, in bound: ConcurrencyBound) async throws {
            came.append(number)
            try await bound.withPermit {
                inside += 1
                most = max(most, inside)
                order.append(number)
                for _ in 0..<3 { await Task.yield() }
                inside -= 1
            }
        }

        /// Whether all of `count` got in as they came. Those that get in at the same moment may begin in any order.
        func isInOrder(_ count: Int, permits: Int) -> Bool {
            order.sorted() == Array(0..<count)
                && order.enumerated().allSatisfy { abs($0.offset - came.firstIndex(of: $0.element)!) < permits }
        }
    }

    @Test("all get a permit, in the order of coming, and no more than there are at a time", arguments: [1, 3, 50])
    @FleetActor
    func order(_ permits: Int) async throws {
        let (bound, course) = (ConcurrencyBound(permits), Course())
        let tasks = (0..<20).map { number in Task { @FleetActor in try await course.work(number, in: bound) } }
        for task in tasks { try await task.value }
        #expect(course.isInOrder(20, permits: permits), "\(course.came): \(course.order)")
        #expect(course.most == min(permits, 20))
    }

    @Test("who is cancelled while waiting gives way, and what fails inside leaves its permit")
    @FleetActor
    func givenUp() async throws {
        struct Failure: Error {}
        let (bound, course, gate) = (ConcurrencyBound(1), Course(), Wakeup())
        var isInside = false
        let first = Task { @FleetActor in
            try await bound.withPermit {
                isInside = true
                try await gate.wait()
                throw Failure()
            }
        }
        while !isInside { await Task.yield() }
        let waiting = (0..<10).map { number in Task { @FleetActor in try await course.work(number, in: bound) } }
        while course.came.count < 10 { await Task.yield() }
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
        #expect(course.order == course.came.filter { ![0, 4, 9].contains($0) })
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
        #expect(course.most == 3 && course.isInOrder(20, permits: 3), "\(course.came): \(course.order)")
        for _ in 0..<2000 { bound.widen() }
        #expect(bound.limit == 16)
    }

    @Test("what went well at the same time before is given again at once")
    @FleetActor
    func ceiling() async throws {
        let bound = ConcurrencyBound(16)
        let gate = Wakeup()
        var inside = 0
        let tasks = (0..<10).map { _ in
            Task { @FleetActor in
                try await bound.withPermit {
                    inside += 1
                    try await gate.wait()
                }
            }
        }
        while inside < 10 { await Task.yield() }
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
