import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("Readings in an agent's session")
struct AgentReadingsTests {
    private func watch(_ sources: [HostSource], every interval: Duration = .seconds(5)) -> Request {
        .watch(WatchRequest(interval: interval, sources: sources))
    }

    @Test("no ring is needed, and what cannot be set up hinders nothing else")
    func watching() async throws {
        try await withFolder { folder in
            try #require(mkdir(folder.path("root").string, 0o700) == 0)
            let log = folder.path("app.log").string
            try folder.write(Array("DIE old\n".utf8), to: "app.log")
            let status = try await withAgent(root: folder.path("root")) { agent in
                try agent.greet()
                try agent.send(
                    watch([
                        .loadAverage, .log(path: log, pattern: "DIE"), .log(path: log, pattern: "("), .cpu,
                        .log(path: "/no/such/log", pattern: "x"), .command("echo 5"),
                    ]))
                guard case .watching(let problems)? = try agent.receive() else { throw Unexpected() }
                #expect(problems.map { $0 == nil } == [true, true, false, true, false, true], "\(problems)")
                // Processor time is not read over less than half a second.
                usleep(550_000)
                try append("DIE new\n", to: log)
                try agent.send(.sample(7))
                guard case .sample(7, let readings)? = try agent.receive() else { throw Unexpected() }
                #expect(readings.outcomes.count == 6)
                #expect(value(readings, 0) ?? -1 >= 0)
                #expect(value(readings, 1) == 1)
                #expect(value(readings, 2) == nil && value(readings, 4) == nil)
                #expect(0...100 ~= value(readings, 3) ?? -1)
                #expect(value(readings, 5) == 5)
                // The session goes on as any other.
                try agent.send(.sample(8), .finish)
                guard case .sample(8, let again)? = try agent.receive() else { throw Unexpected() }
                #expect(value(again, 1) == 0)
                #expect(try agent.receive() == nil)
            }
            #expect(status == 0)
        }
    }

    @Test("a new watch begins anew")
    func again() async throws {
        try await withFolder { folder in
            try #require(mkdir(folder.path("root").string, 0o700) == 0)
            let log = folder.path("app.log").string
            try folder.write([UInt8](), to: "app.log")
            try await withAgent(root: folder.path("root")) { agent in
                try agent.greet()
                try agent.send(watch([.log(path: log, pattern: "x")]))
                #expect(try agent.receive() == .watching([nil]))
                try append("x\n", to: log)
                try agent.send(watch([.command("echo 1"), .log(path: log, pattern: "x")]), .sample(1))
                #expect(try agent.receive() == .watching([nil, nil]))
                guard case .sample(1, let readings)? = try agent.receive() else { throw Unexpected() }
                #expect(readings.outcomes == [.read([HostReading(value: 1)]), .read([HostReading(value: 0)])])
            }
        }
    }

    @Test("a sample before a watch is a protocol violation")
    func early() async throws {
        try await withFolder { folder in
            try #require(mkdir(folder.path("root").string, 0o700) == 0)
            try await withAgent(root: folder.path("root")) { agent in
                try agent.greet()
                try agent.send(.sample(1))
                try agent.expectFailure(.protocolViolation)
            }
        }
    }

    @Test("commands run beside each other, and slow ones hold up nobody beyond half the interval")
    func slowCommands() async throws {
        try await withFolder { folder in
            try #require(mkdir(folder.path("root").string, 0o700) == 0)
            try await withAgent(root: folder.path("root")) { agent in
                try agent.greet()
                let slow = Array(repeating: HostSource.command("sleep 600"), count: 20)
                try agent.send(watch(slow + [.command("sleep 0.2; echo 3")], every: .seconds(10)), .sample(1))
                _ = try agent.receive()
                let start = ContinuousClock.now
                guard case .sample(1, let readings)? = try agent.receive() else { throw Unexpected() }
                let took = ContinuousClock.now - start
                // Five seconds, and not twenty times as many.
                #expect(took > .milliseconds(4500) && took < .seconds(60))
                #expect(readings.outcomes.dropLast().allSatisfy { if case .missing = $0 { true } else { false } })
                #expect(value(readings, 20) == 3)
            }
        }
    }

    @Test(
        "a host that has to go back, or may stay, waits for no reading", arguments: ["gone", "undo", "confirm"])
    func wayBack(what: String) async throws {
        let scene = try FlipScene()
        try await withAgent(root: scene.root) { agent in
            try agent.greet()
            let command = HostSource.command("cd '\(scene.root)'/..; touch begun; sleep 4; touch read")
            try agent.send(watch([command], every: .seconds(60)))
            #expect(try agent.receive() == .watching([nil]))
            try agent.send(scene.flip(to: scene.ready, provisionalLimit: .seconds(600)), .commit)
            _ = try agent.outcome()
            guard case .flipped? = try agent.receive() else { throw Unexpected() }
            try agent.send(.sample(1))
            while !scene.exists("begun") { usleep(1000) }
            switch what {
            case "undo":
                try agent.send(.undo)
                guard case .sample(1, _)? = try agent.receive() else { throw Unexpected() }
                #expect(try agent.outcome().changed)
            case "confirm":
                try agent.send(.confirm)
                guard case .sample(1, _)? = try agent.receive() else { throw Unexpected() }
                #expect(try agent.receive() == .confirmed)
            default:
                agent.hangUp()
                try agent.expectFailure(.unreachable)
            }
            #expect(!scene.exists("read"))
        }
        #expect(try scene.current() == (what == "confirm" ? "slots/2" : "slots/1"))
    }

    private struct Unexpected: Error {}
}

private func value(_ readings: HostReadings, _ index: Int) -> Double? {
    guard case .read(let values) = readings.outcomes[index] else { return nil }
    return values.first?.value
}

private func append(_ text: String, to path: String) throws {
    let file = try FileDescriptor.open(path, .writeOnly, options: .append)
    _ = try file.closeAfter { try file.writeAll(text.utf8) }
}
