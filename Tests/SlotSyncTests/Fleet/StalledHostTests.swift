// Hosts that show that they live and get no further: a disk that hangs, a link that carries two bytes a second. They are
// given up; the time is the documented one, shortened.

import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("A host that lives and gets no further", .timeLimit(.minutes(2)))
struct StalledHostTests {
    private static let greeting = Greeting(version: "1", peer: "h")

    /// A fleet whose one agent greets, and then goes on as `script` says.
    private func withFleet(_ script: String, _ body: (Fleet, TemporaryFolder) async throws -> Void) async throws {
        try await withFolder { folder in
            try folder.write([.hello(Self.greeting, nil)], to: "hello")
            try folder.write([.alive(files: 3, bytes: 70_000)], to: "alive")
            let text = "#!/bin/sh\ncd '\(folder.path(""))' && cat hello && \(script)\n"
            try folder.write(Array(text.utf8), to: "agent")
            try #require(chmod(folder.path("agent").string, 0o700) == 0)
            var fleet = Fleet(
                hosts: try HostList.parse("h1"), root: folder.path("root").string,
                transport: Transport(.local, remoteCommand: folder.path("agent").string), timeout: .seconds(20))
            fleet.longestStep = .seconds(1)
            try await body(fleet, folder)
        }
    }

    private static let heartbeats = "while sleep 0.1; do cat alive; done"

    private func expectStall(_ error: SlotSyncError?) {
        #expect(
            error?.code == .timedOut && error?.message.firstPlace(of: "got no further for 1 s") != nil,
            "\(error as Any)")
    }

    @Test("a stage is given up")
    func stage() async throws {
        try await withFleet(Self.heartbeats) { fleet, folder in
            try Directory(path: folder.path("")).makeDirectory("source")
            try folder.write([1, 2, 3], to: "source/file")
            var options = StageOptions()
            options.cacheDirectory = folder.path("caches")
            let report = try await fleet.stage(folder.path("source"), options: options).report
            expectStall(report.failures.first?.error)
        }
    }

    @Test("a verification is given up")
    func verify() async throws {
        try await withFleet(Self.heartbeats) { fleet, _ in
            expectStall(try await fleet.verify().report.failures.first?.error)
        }
    }

    @Test("what is counted too slowly is no progress; a file more is, and so is what has to be sent")
    func pace() async throws {
        try await withFolder { folder in
            try folder.write([.hello(Self.greeting, nil)], to: "hello")
            try folder.write([.hookDone], to: "done")
            for step in 1...30 {
                try folder.write([.alive(files: 0, bytes: UInt64(step))], to: "bytes\(step)")
                try folder.write([.alive(files: UInt64(step), bytes: 0)], to: "files\(step)")
            }
            for (what, isEnough) in [("bytes", false), ("files", true)] {
                let script =
                    "cat hello; for i in $(seq 30); do sleep 0.1; cat \(what)$i; done; cat done; exec cat >/dev/null"
                let channel = try await Channel(
                    ["/bin/sh", "-c", "cd '\(folder.path(""))'; \(script)"], timeout: .seconds(20))
                _ = try await channel.receive()
                let result: Result<Reply, any Error>
                do { result = .success(try await channel.receiveWhileAdvancing(within: .seconds(1))) } catch {
                    result = .failure(error)
                }
                await channel.close()
                if isEnough {
                    #expect(try result.get() == .hookDone)
                } else {
                    expectStall(#expect(throws: SlotSyncError.self) { try result.get() })
                }
            }
        }
    }

    @Test("an answer that comes two bytes at a time is none")
    func trickle() async throws {
        try await withFolder { folder in
            try folder.write([.hello(Self.greeting, nil)], to: "hello")
            try folder.write([.warning(String(repeating: "x", count: 4000))], to: "long")
            let script = "cat hello; exec 3<long; while sleep 0.1; do head -c 2 <&3; done"
            let channel = try await Channel(
                ["/bin/sh", "-c", "cd '\(folder.path(""))'; \(script)"], timeout: .seconds(3))
            _ = try await channel.receive()
            let error = await #expect(throws: SlotSyncError.self) { try await channel.receive() }
            await channel.close()
            #expect(error?.message == "said nothing for 3 s")
        }
    }

    @Test("how much there is to do is not said again and again")
    func plans() async throws {
        try await withFolder { folder in
            try folder.write([.hello(Self.greeting, nil)], to: "hello")
            try folder.write([.plan(before: 0, planned: 1)], to: "plan")
            let script = "cat hello; while sleep 0.02; do cat plan; done"
            let channel = try await Channel(
                ["/bin/sh", "-c", "cd '\(folder.path(""))'; \(script)"], timeout: .seconds(20))
            _ = try await channel.receive()
            let error = await #expect(throws: SlotSyncError.self) { try await channel.receive() }
            await channel.close()
            #expect(error?.code == .protocolViolation)
        }
    }
}
