// What FleetConnection does with many hosts, without any agent: who is asked when, and what comes back.

import Testing

@testable import SlotSync

@Suite("Asking many hosts", .timeLimit(.minutes(1)))
@FleetActor
struct HostConnectionTests {
    private static func connection(hosts: String) async throws -> FleetConnection {
        await FleetConnection(
            Fleet(hosts: try HostList.parse(hosts), root: "/none", transport: Transport(.local, remoteCommand: "false"))
        )
    }

    @Test("requests to a host follow one another, and hold up no other host")
    func tickets() async throws {
        let connection = try await Self.connection(hosts: "h[1-2]")
        let hosts = connection.fleet.hosts
        let gate = Wakeup()
        var course: [String] = []
        let first = Task { @FleetActor in
            await connection.each([hosts[0]]) { _ in
                course.append("begun")
                try await gate.wait()
                course.append("first")
            }
        }
        while course.isEmpty { await Task.yield() }
        let second = Task { @FleetActor in await connection.each(hosts) { course.append("second of \($0.host)") } }
        while course.count < 2 { await Task.yield() }
        for _ in 0..<10 { await Task.yield() }
        #expect(course == ["begun", "second of h2"])
        gate.wake()
        #expect(await first.value.done == [hosts[0]])
        #expect(await second.value.done == hosts)
        #expect(course == ["begun", "second of h2", "first", "second of h1"])
    }

    @Test("answers and failures come in the hosts' order, and no more hosts are asked at a time than is said")
    func bounded() async throws {
        let connection = try await Self.connection(hosts: "h[1-50]")
        var (inside, most) = (0, 0)
        let results = await connection.each(connection.fleet.hosts, atMost: 3) { host in
            inside += 1
            most = max(most, inside)
            for _ in 0..<(50 - host.index) % 7 { await Task.yield() }
            inside -= 1
            if host.index % 10 == 9 { throw SlotSyncError(.notReady, "no") }
            return host.index
        }
        #expect(most == 3)
        #expect(results.answers.map(\.answer) == (0..<50).filter { $0 % 10 != 9 })
        #expect(results.failures.map(\.host.name) == ["h10", "h20", "h30", "h40", "h50"])
    }

    @Test("hosts whose turn has not come when the caller is cancelled are not asked")
    func cancelled() async throws {
        let connection = try await Self.connection(hosts: "h[1-50]")
        let gate = Wakeup()
        var asked = 0
        let asking = Task { @FleetActor in
            await connection.each(connection.fleet.hosts, atMost: 2) { _ in
                asked += 1
                try await gate.wait()
            }
        }
        while asked < 2 { await Task.yield() }
        asking.cancel()
        let failures = await asking.value.failures
        #expect(asked == 2 && failures.count == 50)
        #expect(failures.allSatisfy { $0.error.code == .cancelled })
    }

    @Test("readings that are owed are taken in order, and no more than two are owed")
    func owed() throws {
        var readings = OwedReadings()
        let isAskedUntold = readings.ask(1)
        readings.sourceCount = 1
        let asked = [readings.ask(1), readings.ask(2), readings.ask(3)]
        #expect(!isAskedUntold && asked == [true, true, false])
        let one = HostReadings([.missing("-")])
        try readings.settle(1, by: one)
        let isAskedAgain = readings.ask(3)
        #expect(isAskedAgain)
        #expect(throws: SlotSyncError.self) { try readings.settle(3, by: one) }
        #expect(throws: SlotSyncError.self) { try readings.settle(3, by: HostReadings([])) }
        #expect(throws: SlotSyncError.self, "nothing is owed") { try readings.settle(4, by: one) }
    }
}
