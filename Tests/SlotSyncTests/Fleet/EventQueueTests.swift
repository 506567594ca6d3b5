// What a caller hears of an operation, however late it listens.

import Testing

@testable import SlotSync

@Suite("Events of an operation", .timeLimit(.minutes(1)))
struct EventQueueTests {
    private struct Heard {
        var finished = 0
        var warned = 0
        var progress: [UInt64] = []
        var others = 0

        mutating func note(_ event: FleetEvent) {
            switch event {
            case .hostFinished: finished += 1
            case .hostWarning: warned += 1
            case .transferred(let sent, _): progress.append(sent)
            default: others += 1
            }
        }
    }

    @Test("of 100,000 hosts none is lost to a caller who listens when all is over; of the progress the newest is left")
    func late() async throws {
        let host = try Host("web1")
        let operation = FleetOperation { emit in
            emit(.scanned(release: ReleaseName(id: .empty), files: 1, bytes: 1))
            for number in 0..<100_000 {
                emit(.transferred(sent: UInt64(number), planned: 100_000))
                emit(.hostFinished(host, .failed(SlotSyncError(.timedOut, "no"))))
                if number % 100 == 0 { emit(.hostWarning(host, "slow")) }
            }
        }
        try await operation.report
        var heard = Heard()
        for await event in operation.events { heard.note(event) }
        #expect(heard.finished == 100_000 && heard.warned == 1000 && heard.others == 1)
        #expect(heard.progress == [99_999])
    }

    @Test("who listens from the beginning hears all, and the end")
    func atOnce() async throws {
        let operation = FleetOperation { emit in
            for number in 0..<1000 {
                emit(.hostWarning(try Host("web\(number)"), "slow"))
                if number % 10 == 0 { await Task.yield() }
            }
        }
        var names: [String] = []
        for await event in operation.events {
            if case .hostWarning(let host, _) = event { names.append(host.name) }
        }
        #expect(names == (0..<1000).map { "web\($0)" })
        try await operation.report
    }

    @Test("progress of the two kinds does not stand for each other, and keeps its order to what else is told")
    func kinds() async {
        let queue = EventQueue()
        queue.append(.scanning(files: 1, bytes: 1))
        queue.append(.scanning(files: 2, bytes: 2))
        queue.append(.scanned(release: ReleaseName(id: .empty), files: 2, bytes: 2))
        queue.append(.transferred(sent: 1, planned: 2))
        queue.append(.filled(StageProgress(hostCount: 1)))
        queue.append(.transferred(sent: 2, planned: 2))
        queue.append(.filled(StageProgress(hostCount: 2)))
        queue.finish()
        var told: [String] = []
        while let event = await queue.next() {
            switch event {
            case .scanning(let files, _): told.append("scanning \(files)")
            case .scanned: told.append("scanned")
            case .transferred(let sent, _): told.append("transferred \(sent)")
            case .filled: told.append("filled")
            default: break
            }
        }
        #expect(told == ["scanning 2", "scanned", "transferred 2", "filled"])
    }

    @Test("a listener that is cancelled ends")
    func cancelled() async {
        let queue = EventQueue()
        let listener = Task { await queue.next() }
        listener.cancel()
        #expect(await listener.value == nil)
    }
}
