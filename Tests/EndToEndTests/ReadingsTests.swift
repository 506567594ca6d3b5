// The built agent reads its host while a program writes and rotates its log, over a session as the controller has it.

import Foundation
import Testing

@testable import SlotSync

extension FleetEndToEnd {
    @Suite("Readings of a host")
    struct ReadingsTests {
        /// Opens a session with the built agent on an empty root; its process ID is in the bench's file `pid`.
        @FleetActor
        private func withSession(
            _ bench: Workbench, _ sources: [HostSource], _ body: @FleetActor (Channel) async throws -> Void
        ) async throws {
            let root = try bench.folder("root")
            let channel = try Channel(
                ["/bin/sh", "-c", "echo $$ > '\(bench["pid"])'; exec '\(Program.agent)' agent --root '\(root)'"],
                timeout: .seconds(30))
            do {
                channel.send(.hello(Greeting(version: "test", peer: "test")))
                guard case .hello = try await channel.receive() else { throw Unexpected() }
                channel.send(.watch(WatchRequest(interval: .seconds(10), sources: sources)))
                #expect(try await channel.receive() == .watching(sources.map { _ in nil }))
                try await body(channel)
            } catch {
                await channel.close()
                throw error
            }
            await channel.close()
        }

        @FleetActor
        private func sample(_ channel: Channel, _ number: UInt32) async throws -> [HostReadings.Outcome] {
            var read: HostReadings?
            channel.onReadings = { if $0 == number { read = $1 } }
            channel.send(.sample(number))
            let listening = Task { @FleetActor in try await channel.listen() }
            defer { listening.cancel() }
            let start = ContinuousClock.now
            while read == nil {
                try #require(ContinuousClock.now - start < .seconds(30), "no readings came")
                try await Task.sleep(for: .milliseconds(2))
            }
            return try #require(read).outcomes
        }

        @Test("no line is lost or counted twice while a busy log is rotated by renaming")
        func rotation() async throws {
            try await Workbench.use { bench in
                let log = try bench.write("", to: "app.log")
                // It opens its log for each batch, as a program does that was told to. One rotation at most between two samples.
                let writer = try bench.script(
                    """
                    #!/bin/bash
                    for batch in $(seq 1 40); do
                        for line in $(seq 1 50); do echo "$batch $line ERROR"; echo "$batch $line fine"; done >> '\(log)'
                        if [ $((batch % 10)) = 0 ]; then
                            mv '\(log)' '\(log).'$batch
                            echo "$batch late ERROR" >> '\(log).'$batch
                            : > '\(log)'
                            : > '\(bench["rotated"])'
                            while [ -e '\(bench["rotated"])' ]; do sleep 0.01; done
                        fi
                    done
                    : > '\(bench["done"])'
                    """, to: "writer")
                try await withSession(
                    bench, [.log(path: log, pattern: "ERROR$"), .log(path: log, pattern: "^[0-9]+ 1 ERROR$")]
                ) {
                    channel in
                    async let writing = Program.run([writer])
                    var counts = [0.0, 0.0]
                    var number: UInt32 = 0
                    var isDone = false
                    repeat {
                        // Looked at before the sample, so that the last one comes after the last line.
                        isDone = exists(bench["done"])
                        for (index, outcome) in try await sample(channel, number).enumerated() {
                            guard case .read(let readings) = outcome else { throw Unexpected() }
                            counts[index] += readings[0].value
                        }
                        number += 1
                        try? FileManager.default.removeItem(atPath: bench["rotated"])
                        try await Task.sleep(for: .milliseconds(5))
                    } while !isDone
                    _ = try await writing
                    #expect(counts == [2004, 40])
                }
            }
        }

        @Test("an agent that samples for long opens no more files, and leaves no process behind")
        func leaks() async throws {
            try await Workbench.use { bench in
                let log = try bench.write("", to: "app.log")
                let sources: [HostSource] = [
                    .loadAverage, .cpu, .log(path: log, pattern: "x"), .command("echo 1"),
                    .command("echo a 1; echo b 2"),
                ]
                try await withSession(bench, sources) { channel in
                    let pid = try String(contentsOfFile: bench["pid"], encoding: .utf8).trimmingCharacters(
                        in: .whitespacesAndNewlines)
                    func open() throws -> Int {
                        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
                    }
                    _ = try await sample(channel, 0)
                    let before = try open()
                    for number in 1...30 { _ = try await sample(channel, UInt32(number)) }
                    #expect(try open() == before)
                    let children = try String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)
                    #expect(children.isEmpty, "\(children)")
                }
            }
        }

        private struct Unexpected: Error {}
    }
}
