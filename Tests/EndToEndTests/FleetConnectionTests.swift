// Sessions that are shared from one operation to the next, with real agents and with such as mean harm.

import Foundation
import SystemPackage
import Testing

@testable import SlotSync

@Suite("Shared sessions")
struct FleetConnectionTests {
    // MARK: Real agents

    @Test("one session a host stages, flips provisionally, is confirmed, taken back, and marked bad")
    func lifeOfAPush() async throws {
        try await withConnection(hosts: 3) { fleet, connection in
            let (release, hosts) = try await stageSecond(fleet, connection)
            let flip = HostFlip(release: release, provisionalLimit: .seconds(5))
            #expect(await connection.listen(to: hosts).done == hosts)
            #expect(await connection.prepare(flip, on: hosts).done == hosts)
            #expect(await connection.flip(flip, on: hosts).done == hosts)
            #expect(fleet.hosts.map { fleet.current($0) } == ["slots/2", "slots/2", "slots/2"])
            // Longer than the limit: they hear of the controller.
            try await Task.sleep(for: .seconds(6))
            #expect(await connection.confirm(on: [hosts[0]]).done == [hosts[0]])
            #expect(await connection.takeBack(flip, on: [hosts[1]]).done == [hosts[1]])
            #expect(await connection.markBad(release, because: "slow", on: [hosts[1]]).done == [hosts[1]])
            await connection.close()
            #expect(fleet.current("h1") == "slots/2" && fleet.current("h2") == "slots/1")
            try await eventually("h3 was not confirmed, and stays") { fleet.current("h3") == "slots/1" }
            #expect(try await fleet.done("status").output.contains("slow"))
        }
    }

    @Test("hosts whose flip is provisional hear of the controller, whether or not anybody listens")
    func provisionalUnheard() async throws {
        try await withConnection(hosts: 2) { fleet, connection in
            let (release, hosts) = try await stageSecond(fleet, connection)
            let flip = HostFlip(release: release, provisionalLimit: .seconds(5))
            _ = await connection.prepare(flip, on: hosts)
            _ = await connection.flip(flip, on: hosts)
            try await Task.sleep(for: .seconds(6))
            #expect(await connection.confirm(on: hosts).done == hosts)
            #expect(fleet.hosts.map { fleet.current($0) } == ["slots/2", "slots/2"])
        }
    }

    @Test("readings come with their numbers, in order, and a host that owes two is not asked for more")
    func readings() async throws {
        try await withConnection(hosts: 1) { fleet, connection in
            let host = connection.fleet.hosts[0]
            let gate = fleet.bench["gate"]
            let sources: [HostSource] = [
                .command("while [ ! -e '\(gate)' ]; do sleep 0.02; done; echo 1"), .loadAverage,
            ]
            _ = await connection.listen(to: [host])
            let prepared = await connection.prepareReadings([host: sources], every: .seconds(8))
            #expect(prepared.done == [host])
            for number in 1...5 { await connection.requestReadings(UInt32(number), of: [host]) }
            try fleet.bench.write("", to: "gate")
            var numbers: [UInt32] = []
            for await event in connection.events {
                guard case .readings(host, let number, let readings) = event else { continue }
                #expect(readings.outcomes.count == 2)
                numbers.append(number)
                if number == 2 { await connection.requestReadings(6, of: [host]) }
                if number > 2 { break }
            }
            #expect(numbers == [1, 2, 6])
        }
    }

    @Test("requests to one host follow one another, in the order in which they were made")
    func inOrder() async throws {
        try await withConnection(hosts: 1) { fleet, connection in
            let (release, hosts) = try await stageSecond(fleet, connection)
            let (begun, gate) = (fleet.bench["begun"], fleet.bench["gate"])
            let hook = ": > '\(begun)'; until [ -e '\(gate)' ]; do sleep 0.05; done"
            let request = FlipRequest(
                HostFlip(release: release, hooks: Hooks(beforeFlip: hook), provisionalLimit: .seconds(60)))
            // Made one after the other on the fleet's actor, long before the first is answered.
            let made = await asked(
                connection, hosts,
                [
                    { host in
                        try await host.prepare(request)
                        try await host.runBeforeHook()
                    }, { host in _ = try await host.commit() },
                    { host in try await host.request(.confirm) { $0 == .confirmed } },
                ])
            try await eventually("the first was never asked") { exists(begun) }
            try fleet.bench.write("", to: "gate")
            for results in made {
                let results = await results.value
                #expect(results.done == hosts, "\(results.failures)")
            }
            await connection.close()
            #expect(fleet.current() == "slots/2")
        }
    }

    @Test("no more hosts than the fleet's parallelism connect or prepare at the same time, and all flip at one moment")
    func bounded() async throws {
        try await Workbench.use { bench in
            let fleet = try Fleet(bench, hosts: 8)
            try await fleet.release(firstTree(bench))
            let release = try #require(ContentDigest(try await fleet.stage(changedTree(bench))))
            let marks = try ["connecting", "before", "after"].map { try Marks(bench, $0) }
            let agent = try bench.script(
                """
                #!/bin/sh
                \(marks[0].come); sleep 0.1; \(marks[0].go)
                exec '\(Program.agent)' "$@"
                """, to: "agent")
            let connection = await FleetConnection(
                SlotSync.Fleet(
                    hosts: try HostList.parse("h[1-8]"), root: bench["{host}/www"],
                    transport: Transport(.local, remoteCommand: agent), parallelism: 2))
            let hosts = connection.fleet.hosts
            let hooks = Hooks(
                beforeFlip: "\(marks[1].come); sleep 0.1; \(marks[1].go)",
                afterFlip: "\(marks[2].come); \(marks[2].wait(for: 8))")
            let flip = HostFlip(release: release, hooks: hooks)
            #expect(await connection.listen(to: hosts).done == hosts)
            #expect(await connection.prepare(flip, on: hosts).done == hosts)
            #expect(await connection.flip(flip, on: hosts).done == hosts)
            await connection.close()
            for counts in try [marks[0].counts(), marks[1].counts()] {
                #expect(counts.count == 8 && counts.allSatisfy { $0 <= 2 }, "\(counts)")
            }
        }
    }

    @Test(
        "a session that ends is told of once, a flip that was provisional there goes back, and a new one can be opened")
    func lostAndRecovered() async throws {
        try await withConnection(hosts: 2) { fleet, connection in
            let (release, hosts) = try await stageSecond(fleet, connection)
            let flip = HostFlip(release: release, provisionalLimit: .seconds(5))
            _ = await connection.listen(to: hosts)
            _ = await connection.prepare(flip, on: hosts)
            _ = await connection.flip(flip, on: hosts)
            try await killAgent(of: fleet.root("h1"))
            for await event in connection.events {
                guard case .lost(let host, _) = event else { continue }
                #expect(host == hosts[0])
                break
            }
            let recovered = await connection.listen(to: [hosts[0]])
            #expect(recovered.answers.first?.answer?.live == 1 && fleet.current("h1") == "slots/1")
            // Nothing was prepared in the new session.
            #expect(await connection.flip(flip, on: [hosts[0]]).failures.count == 1)
            // What is closed was given up on purpose, and is no event.
            await connection.close()
            try await eventually("what was not confirmed stays") { fleet.current("h2") == "slots/1" }
            for await event in connection.events { if case .lost(let host, _) = event { #expect(host == hosts[0]) } }
        }
    }

    @Test("an agent that is frozen while its flip is provisional is given up after the limit")
    func frozen() async throws {
        try await withConnection(hosts: 1) { fleet, connection in
            let (release, hosts) = try await stageSecond(fleet, connection)
            let flip = HostFlip(release: release, provisionalLimit: .seconds(1))
            _ = await connection.prepare(flip, on: hosts)
            _ = await connection.flip(flip, on: hosts)
            try await signalAgent(of: fleet.root(), SIGSTOP)
            let start = ContinuousClock.now
            for await event in connection.events { if case .lost = event { break } }
            // Without it the timeout of a session would be waited for, a minute.
            #expect(ContinuousClock.now - start < .seconds(40))
            #expect(await connection.listen(to: hosts).answers.first?.answer?.live == 1)
        }
    }

    @Test("after close nothing is opened any more, and what waits for a host ends")
    func closed() async throws {
        try await withConnection(hosts: 1) { fleet, connection in
            let (release, hosts) = try await stageSecond(fleet, connection)
            let begun = fleet.bench["begun"]
            let flip = HostFlip(release: release, hooks: Hooks(beforeFlip: ": > '\(begun)'; sleep 600"))
            async let prepared = connection.prepare(flip, on: hosts)
            try await eventually("the hook never began") { exists(begun) }
            async let waiting = connection.confirm(on: hosts)
            await connection.close(atOnce: true)
            #expect(await prepared.failures.count == 1)
            #expect(await waiting.failures.count == 1)
            #expect(await connection.listen(to: hosts).failures.first?.error.code == .cancelled)
        }
    }

    // MARK: Agents that mean harm

    enum Harm: CaseIterable {
        case unasked, wrongNumber, tooManyOutcomes, answerForNothing, answersForNothing

        var replies: [Reply] {
            let readings = HostReadings([.missing("-")])
            return switch self {
            case .unasked: [.sample(1, readings), .sample(2, readings)]
            case .wrongNumber: [.sample(3, readings)]
            case .tooManyOutcomes: [.sample(1, HostReadings([.missing("-"), .missing("-")]))]
            case .answerForNothing: [.confirmed]
            case .answersForNothing: Array(repeating: .confirmed, count: 100)
            }
        }
    }

    @Test(
        "what an agent sends unasked, or otherwise than asked, ends its session and nothing else",
        arguments: Harm.allCases)
    func hostile(_ harm: Harm) async throws {
        try await Workbench.use { bench in
            let program = try hostileAgent(bench, harm.replies)
            let connection = await FleetConnection(
                SlotSync.Fleet(
                    hosts: try HostList.parse("h1"), root: bench["{host}"],
                    transport: Transport(.local, remoteCommand: program)))
            let hosts = connection.fleet.hosts
            #expect(await connection.listen(to: hosts).done == hosts)
            let prepared = await connection.prepareReadings([hosts[0]: [.loadAverage]], every: .seconds(1))
            #expect(prepared.done == hosts, "\(prepared.failures)")
            await connection.requestReadings(1, of: hosts)
            try bench.write("", to: "go")
            var readings = 0
            for await event in connection.events {
                if case .readings = event { readings += 1 }
                guard case .lost(_, let error) = event else { continue }
                #expect(error.code == .protocolViolation, "\(error)")
                break
            }
            #expect(readings == (harm == .unasked ? 1 : 0))
            await connection.close()
        }
    }

    @Test(
        "an agent that sends heartbeats and never answers is given up where an answer takes no work, and the others are done"
    )
    func neverAnswers() async throws {
        try await Workbench.use { bench in
            let program = try hostileAgent(bench, [], sendsHeartbeats: true)
            let fleet = try Fleet(bench, hosts: 2)
            try await fleet.release(firstTree(bench))
            let agent = try bench.script(
                """
                #!/bin/sh
                case "$*" in */h2/*) exec '\(program)' ;; *) exec '\(Program.agent)' "$@" ;; esac
                """, to: "agent")
            let connection = await FleetConnection(
                SlotSync.Fleet(
                    hosts: try HostList.parse("h[1-2]"), root: bench["{host}/www"],
                    transport: Transport(.local, remoteCommand: agent), timeout: .seconds(5)))
            let hosts = connection.fleet.hosts
            #expect(await connection.listen(to: hosts).done == hosts)
            let results = await connection.prepareReadings(
                Dictionary(uniqueKeysWithValues: hosts.map { ($0, [.loadAverage]) }), every: .seconds(1))
            #expect(results.done == hosts, "\(results.failures)")
            try bench.write("", to: "go")
            let marked = await connection.markBad(.empty, because: "slow", on: hosts)
            #expect(marked.done == [hosts[0]])
            #expect(marked.failures.map(\.error.code) == [.timedOut], "\(marked.failures)")
            await connection.close()
        }
    }

    @Test("an agent that warns without end is heard a while, and fills no memory")
    func warnings() async throws {
        try await Workbench.use { bench in
            let program = try hostileAgent(bench, Array(repeating: .warning("!"), count: 5000))
            let connection = await FleetConnection(
                SlotSync.Fleet(
                    hosts: try HostList.parse("h1"), root: bench["{host}"],
                    transport: Transport(.local, remoteCommand: program)))
            _ = await connection.listen(to: connection.fleet.hosts)
            _ = await connection.prepareReadings([connection.fleet.hosts[0]: [.loadAverage]], every: .seconds(1))
            try bench.write("", to: "go")
            try await eventually("it is never through") { exists(bench["sent"]) }
            await connection.close()
            var count = 0
            for await event in connection.events { if case .warning = event { count += 1 } }
            #expect(count > 0 && count <= 1000)
        }
    }
}

/// A fleet of real agents with a release live, and a connection to it.
private func withConnection(hosts: Int, _ body: (Fleet, FleetConnection) async throws -> Void) async throws {
    try await Workbench.use { bench in
        let fleet = try Fleet(bench, hosts: hosts)
        try await fleet.release(firstTree(bench))
        let list = hosts == 1 ? "h1" : "h[1-\(hosts)]"
        let connection = await FleetConnection(
            SlotSync.Fleet(
                hosts: try HostList.parse(list), root: bench["{host}/www"],
                transport: Transport(.local, remoteCommand: Program.agent)))
        do { try await body(fleet, connection) } catch {
            await connection.close()
            throw error
        }
        await connection.close()
    }
}

private func stageSecond(
    _ fleet: Fleet, _ connection: FleetConnection
) async throws -> (release: ContentDigest, hosts: [SlotSync.Host]) {
    var options = StageOptions()
    options.cacheSize = 0
    let report = try await connection.stage(FilePath(changedTree(fleet.bench).path), options: options).report
    #expect(report.failures.isEmpty)
    return (report.release.id, connection.fleet.hosts)
}

/// Asks these hosts several things, without waiting for the answers of one before the next is asked.
@FleetActor
private func asked(
    _ connection: FleetConnection, _ hosts: [SlotSync.Host],
    _ requests: [@FleetActor @Sendable (HostConnection) async throws -> Void]
) -> [Task<HostResults<Void>, Never>] {
    requests.map { request in Task { @FleetActor in await connection.each(hosts, request) } }
}

private func signalAgent(of root: String, _ number: Int32) async throws {
    let found = try await Program.run(["pgrep", "-f", "agent --root \(root)$"])
    for line in found.lines { if let pid = pid_t(line) { kill(pid, number) } }
}

private func killAgent(of root: String) async throws { try await signalAgent(of: root, SIGKILL) }

/// An agent that greets, says what it was to watch, and sends these replies once it is told to; then it is silent, but for
/// signs of life.
private func hostileAgent(_ bench: Workbench, _ replies: [Reply], sendsHeartbeats: Bool = false) throws -> String {
    func file(_ name: String, _ replies: [Reply]) throws -> String {
        var bytes: [UInt8] = []
        for reply in replies { reply.encode(into: &bytes) }
        try Data(bytes).write(to: URL(fileURLWithPath: bench[name]))
        return bench[name]
    }
    let greeting = Reply.hello(Greeting(version: SlotSyncVersion.current, peer: "harm"), nil)
    return try bench.script(
        """
        #!/bin/sh
        request() { head -c $(head -c 4 | od -An -tu4) > /dev/null; }
        request; cat '\(file("greeting", [greeting]))'
        request; cat '\(file("watching", [.watching([nil])]))'
        while [ ! -e '\(bench["go"])' ]; do sleep 0.02; done
        cat '\(file("replies", replies))'
        : > '\(bench["sent"])'
        \(sendsHeartbeats ? "while cat '\(file("heartbeat", [.alive(files: 0, bytes: 0)]))'; do sleep 0.1; done" : "")
        exec cat > /dev/null
        """, to: "hostile")
}
