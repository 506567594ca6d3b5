// Channels to children that are shell scripts: what they say is written to files beforehand, what they are told is
// read from files afterwards.

import Glibc
import SystemPackage
import Testing

@testable import SlotSync

// Timeouts here are longer than a loaded machine may take to start a shell.
@Suite("A channel to a host", .timeLimit(.minutes(5)))
struct ChannelTests {
    init() { ProcessSetup.prepare() }

    @Test("replies come in order, and requests arrive whole")
    func conversation() async throws {
        try await withFolder { folder in
            try folder.write([.hello(greeting, nil), .hookDone, .signatureMissing(basis: .empty)], to: "replies")
            try await withChannel("cat replies; cat > requests", in: folder) { channel in
                let requests = [Request.hello(greeting), .status, .verify(slot: 3)]
                for request in requests { channel.send(request) }
                var received: [Reply] = []
                for _ in 0..<3 { received.append(try await channel.receive()) }
                #expect(received == [.hello(greeting, nil), .hookDone, .signatureMissing(basis: .empty)])
                await channel.close()
                let sent = try folder.requests("requests")
                #expect(sent == requests)
                let bytes = (sent: try folder.read("requests").count, received: try folder.read("replies").count)
                #expect(channel.sentBytes == UInt64(bytes.sent) && channel.receivedBytes == UInt64(bytes.received))
            }
        }
    }

    @Test("ranges of the spool go out between requests, and more than a pipe holds waits for the host")
    func spool() async throws {
        try await withFolder { folder in
            let part = DeflatedPart(length: 1 << 20, isDeflated: false, bytes: .init(repeating: 7, count: 1 << 20))
            var frame: [UInt8] = []
            Request.frame(part).encode(into: &frame)
            try folder.write([0, 0, 0] + frame, to: "spool")
            let spool = try FileDescriptor.open(folder.path("spool"), .readOnly, options: .closeOnExec)
            defer { try? spool.close() }
            let script = "until [ -e read ]; do sleep 0.05; done; cat > requests"
            try await withChannel(script, in: folder) { channel in
                channel.send(.hello(greeting))
                for _ in 0..<3 { channel.send(spool: spool, at: 3, length: frame.count) }
                channel.send(.finish)
                #expect(channel.pendingBytes > 2 << 20)
                try folder.write([UInt8](), to: "read")
                try await channel.drained(below: 1)
                #expect(channel.pendingBytes == 0)
                await channel.close()
                let sent = try folder.requests("requests")
                #expect(sent == [.hello(greeting), .frame(part), .frame(part), .frame(part), .finish])
            }
        }
    }

    @Test(
        "a spool file that cannot be read ends the session with that error, though the host lives",
        arguments: [true, false])
    func brokenSpool(isShort: Bool) async throws {
        try await withFolder { folder in
            try folder.write([.hello(greeting, nil)], to: "hello")
            try folder.write([.alive(files: 0, bytes: 0)], to: "alive")
            try folder.write([1, 2, 3], to: "spool")
            // Without the right to read splice answers EBADF, as a broken disk answers EIO.
            let spool = try FileDescriptor.open(folder.path("spool"), isShort ? .readOnly : .writeOnly)
            defer { try? spool.close() }
            try await withChannel("cat hello; while sleep 0.1; do cat alive; done", in: folder) { channel in
                _ = try await channel.receive()
                channel.send(spool: spool, at: isShort ? 3 : 0, length: 3)
                let error = await #expect(throws: SlotSyncError.self) { try await channel.receive() }
                #expect(error?.code == .unreachable && error?.errno == (isShort ? nil : .badFileDescriptor))
                #expect(error?.message.firstPlace(of: "spool file") != nil, "\(error?.description ?? "")")
            }
        }
    }

    @FleetActor
    private final class Told {
        var errors: [SlotSyncError] = []
    }

    @Test("what cannot be written to a pipe is told, unless it is that the reader has gone")
    @FleetActor
    func brokenPipe() throws {
        let told = Told()
        for path in ["/dev/full", "/dev/null"] {
            let writer = PipeWriter(
                owning: try FileDescriptor.open(path, path == "/dev/full" ? .writeOnly : .readOnly),
                onProgress: { _ in }, onFailure: { told.errors.append($0) })
            writer.append([1, 2, 3])
            #expect(writer.isBroken && writer.pendingBytes == 0)
            writer.close()
        }
        #expect(told.errors.map(\.errno) == [.noSpace, .badFileDescriptor])
        #expect(told.errors.allSatisfy { $0.code == .unreachable })
        let pipe = try FileDescriptor.closeOnExecPipe()
        try pipe.read.close()
        let writer = PipeWriter(owning: pipe.write, onProgress: { _ in }, onFailure: { told.errors.append($0) })
        writer.append([1, 2, 3])
        #expect(writer.isBroken && told.errors.count == 2)
        writer.close()
    }

    @Test("a host that takes nothing any more and does not end is given up, whatever it says")
    func closedInput() async throws {
        try await withFolder { folder in
            try folder.write([.hello(greeting, nil)], to: "hello")
            try folder.write([.warning("still there")], to: "warning")
            let script = "cat hello; exec <&-; while sleep 0.1; do cat warning; done"
            try await withChannel(script, in: folder, timeout: .seconds(3)) { channel in
                _ = try await channel.receive()
                let error = await #expect(throws: SlotSyncError.self) {
                    while true {
                        channel.send(.keepAlive)
                        try await Task.sleep(for: .milliseconds(20))
                        try await channel.drained(below: 1)
                        if channel.isBroken { _ = try await channel.receive() }
                    }
                }
                #expect(error?.code == .timedOut && error?.message.hasPrefix("reads nothing any more") == true)
            }
        }
    }

    @Test("what a host reports as failure is thrown")
    func failure() async throws {
        try await withFolder { folder in
            try folder.write([.hello(greeting, nil), .failure(SlotSyncError(.diskFull, "disk full"))], to: "replies")
            let error = try await expectFailure("cat replies; exec sleep 5", in: folder, after: 1)
            #expect(error == SlotSyncError(.diskFull, "disk full"))
        }
    }

    @Test("signs of life and warnings are no replies")
    func beside() async throws {
        try await withFolder { folder in
            try folder.write(
                [.hello(greeting, nil), .alive(files: 1, bytes: 2), .warning("careful"), .hookDone], to: "replies")
            try await withChannel("cat replies; exec cat", in: folder) { channel in
                var progress: [Channel.HostProgress] = []
                var warnings: [String] = []
                channel.onAlive = { progress.append($0) }
                channel.onWarning = { warnings.append($0) }
                _ = try await channel.receive()
                #expect(try await channel.receive() == .hookDone)
                #expect(progress == [.init(files: 1, bytes: 2)])
                #expect(warnings == ["careful"])
            }
        }
    }

    @Test("a host that works is waited for as long as it gets on, whatever else it says")
    func advancing() async throws {
        try await withFolder { folder in
            try folder.write([.hello(greeting, nil)], to: "hello")
            for count in 0..<8 { try folder.write([.alive(files: UInt64(count), bytes: 0)], to: "alive\(count)") }
            try folder.write([.hookDone], to: "done")
            let script = "cat hello; for i in 0 1 2 3 4 5 6 7; do sleep 1; cat alive%; done; "
            let working = script.replacing("%", with: "$i") + "cat done; exec cat"
            try await withChannel(working, in: folder, timeout: .seconds(4)) { channel in
                _ = try await channel.receive()
                #expect(try await channel.receiveWhileAdvancing() == .hookDone)
            }
            let hanging = script.replacing("%", with: "7") + "exec cat"
            try await withChannel(hanging, in: folder, timeout: .seconds(4)) { channel in
                _ = try await channel.receive()
                let error = await #expect(throws: SlotSyncError.self) { try await channel.receiveWhileAdvancing() }
                #expect(error?.code == .timedOut && error?.message.contains("got no further") == true)
            }
        }
    }

    @Test("a session that ends is told with the exit code and the last words")
    func end() async throws {
        try await withFolder { folder in
            let error = try await expectFailure(
                "printf 'Connection \\033[1mrefused\\r\\n' >&2; exit 255", in: folder, after: 0)
            #expect(error.code == .unreachable)
            #expect(error.message == #"no agent answered (exit code 255): Connection \u{1B}[1mrefused"#)
        }
    }

    @Test("a flood of errors neither blocks the host nor fills the memory")
    func errorFlood() async throws {
        try await withFolder { folder in
            let error = try await expectFailure(
                "yes noise | head -c 1000000 >&2; echo last >&2; exit 3", in: folder, after: 0)
            #expect(error.message.hasSuffix("last") && error.message.utf8.count < 5000)
        }
    }

    @Test("a host that prints errors without end holds up no other")
    func endlessErrors() async throws {
        try await withFolder { folder in
            try folder.write([.hello(greeting, nil), .hookDone], to: "replies")
            try await withChannel("cat replies; exec yes noise >&2", in: folder) { noisy in
                _ = try await noisy.receive()
                try await withChannel("cat replies; exec cat", in: folder) { channel in
                    _ = try await channel.receive()
                    #expect(try await channel.receive() == .hookDone)
                }
                #expect(try await noisy.receive() == .hookDone)
            }
        }
    }

    @Test(
        "a host that sends heartbeats but does not answer what takes no work is given up, and so is one that does not greet"
    )
    func unanswered() async throws {
        try await withFolder { folder in
            try folder.write([.hello(greeting, nil)], to: "hello")
            try folder.write([.warning("wait")], to: "heartbeat")
            for begin in ["cat hello", "true"] {
                let script = "\(begin); while cat heartbeat; do sleep 0.1; done"
                try await withChannel(script, in: folder, timeout: .seconds(20)) { channel in
                    if begin != "true" { _ = try await channel.receivePromptly() }
                    let error = await #expect(throws: SlotSyncError.self) { try await channel.receivePromptly() }
                    #expect(error?.code == .timedOut)
                }
            }
        }
    }

    @Test("samples that a host owes it may take before it answers what takes no work")
    func owedSamples() async throws {
        try await withFolder { folder in
            try folder.write([.hello(greeting, nil)], to: "hello")
            try folder.write([.sample(1, HostReadings([]))], to: "first")
            try folder.write([.sample(2, HostReadings([])), .hookDone], to: "second")
            let script = "cat hello; sleep 18; cat first; sleep 18; cat second; exec cat >/dev/null"
            try await withChannel(script, in: folder, timeout: .seconds(30)) { channel in
                var samples: [UInt32] = []
                channel.onReadings = { number, _ in samples.append(number) }
                _ = try await channel.receive()
                for number: UInt32 in 1...2 { channel.send(.sample(number)) }
                #expect(try await channel.receivePromptly() == .hookDone)
                #expect(samples == [1, 2])
            }
        }
    }

    @Test("samples that are asked for afterwards are no excuse for an answer that does not come")
    func endlessSamples() async throws {
        try await withFolder { folder in
            try folder.write([.hello(greeting, nil)], to: "hello")
            try folder.write([.sample(1, HostReadings([]))], to: "sample")
            try await withChannel("cat hello; while sleep 0.3; do cat sample; done", in: folder, timeout: .seconds(30))
            {
                channel in
                channel.onReadings = { _, _ in }
                _ = try await channel.receive()
                let asking = Task { @FleetActor in
                    while !Task.isCancelled {
                        channel.send(.sample(1))
                        try await Task.sleep(for: .milliseconds(200))
                    }
                }
                let error = await #expect(throws: SlotSyncError.self) { try await channel.receivePromptly() }
                asking.cancel()
                #expect(error?.code == .timedOut)
            }
        }
    }

    @Test("replies go to who waits for one, though another task listens")
    func listening() async throws {
        try await withFolder { folder in
            try folder.write([.hello(greeting, nil)], to: "hello")
            try folder.write([.warning("careful"), .hookDone], to: "done")
            try folder.write([.warning("the end")], to: "end")
            let script = "cat hello; for i in $(seq 50); do read line; cat done; done; read line; cat end; exec cat"
            try await withChannel(script, in: folder) { channel in
                _ = try await channel.receive()
                var warnings: [String] = []
                channel.onWarning = { warnings.append($0) }
                let listening = Task { @FleetActor in try await channel.listen() }
                for _ in 0..<50 {
                    channel.send(frames: Array("line\n".utf8))
                    #expect(try await channel.receive() == .hookDone)
                }
                channel.send(frames: Array("line\n".utf8))
                // Heard though nobody waits for a reply.
                while warnings.last != "the end" { try await Task.sleep(for: .milliseconds(5)) }
                #expect(warnings.count == 51)
                listening.cancel()
                let result = await listening.result
                #expect(throws: SlotSyncError.self) { try result.get() }
            }
        }
    }

    @Test("a reply that nobody waits for ends the session of who listens, or sends")
    func unasked() async throws {
        try await withFolder { folder in
            try folder.write([.hello(greeting, nil)], to: "hello")
            try folder.write([.hookDone], to: "done")
            for listens in [true, false] {
                try await withChannel("cat hello; read line; cat done; exec sleep 30", in: folder) { channel in
                    _ = try await channel.receive()
                    channel.send(frames: Array("line\n".utf8))
                    let error = await #expect(throws: SlotSyncError.self) {
                        if listens { return try await channel.listen() }
                        // More than a pipe holds.
                        channel.send(frames: [UInt8](repeating: 0, count: 4 << 20))
                        try await channel.drained(below: 1)
                    }
                    #expect(error?.code == .protocolViolation && error?.message.contains("hookDone") == true)
                }
            }
        }
    }

    @Test("a program that is not there is named")
    func noProgram() async throws {
        for program in ["/no/such/program", "no-such-program"] {
            let channel = try await Channel([program], timeout: .seconds(5))
            let error = await #expect(throws: SlotSyncError.self) { try await channel.receive() }
            await channel.close()
            #expect(error?.code == .unreachable && error?.message.contains(program) == true)
        }
    }

    @Test("a banner before the protocol is an error that shows it")
    func banner() async throws {
        try await withFolder { folder in
            let error = try await expectFailure("echo Welcome; exec sleep 5", in: folder, after: 0)
            #expect(error.code == .protocolViolation && error.message.contains("Welcome"))
        }
    }

    @Test("a host that says nothing is given up in time")
    func silence() async throws {
        try await withFolder { folder in
            let error = try await expectFailure("exec sleep 30", in: folder, after: 0, timeout: .seconds(1))
            #expect(error.code == .timedOut && error.message == "said nothing for 1 s")
        }
    }

    @Test("a host that sends heartbeats but takes nothing is given up, one that works is not")
    func stuck() async throws {
        try await withFolder { folder in
            try folder.write([.hello(greeting, nil)], to: "hello")
            for count in 0..<40 { try folder.write([.alive(files: UInt64(count), bytes: 0)], to: "alive\(count)") }
            let heartbeats = "cat hello; for i in $(seq 0 39); do sleep 0.1; cat alive%; done; exec sleep 30"
            for (script, least) in [("0", 10.0), ("$i", 13.0)] {
                let start = ContinuousClock.now
                let text = heartbeats.split(separator: "%").joined(separator: script)
                try await withChannel(text, in: folder, timeout: .seconds(10)) { channel in
                    _ = try await channel.receive()
                    // More than a pipe holds.
                    channel.send(frames: [UInt8](repeating: 0, count: 4 << 20))
                    let error = await #expect(throws: SlotSyncError.self) { try await channel.drained(below: 1) }
                    #expect(error?.message == "took nothing for 10 s")
                    #expect(ContinuousClock.now - start > .seconds(least))
                }
            }
        }
    }

    @Test("a cancelled task stops waiting, and another can go on")
    func cancellation() async throws {
        try await withFolder { folder in
            try folder.write([.hello(greeting, nil)], to: "hello")
            try folder.write([.hookDone], to: "done")
            try await withChannel("cat hello; read line; cat done; exec cat", in: folder) { channel in
                _ = try await channel.receive()
                let waiting = Task { @FleetActor in try await channel.receive() }
                try await Task.sleep(for: .milliseconds(50))
                waiting.cancel()
                let result = await waiting.result
                let error = #expect(throws: SlotSyncError.self) { try result.get() }
                #expect(error?.code == .cancelled)
                channel.send(frames: Array("line\n".utf8))
                #expect(try await channel.receive() == .hookDone)
            }
        }
    }

    @Test("closing ends a child that ignores everything, and leaves nothing of it")
    func stubborn() async throws {
        try await withFolder { folder in
            var pid: pid_t = 0
            try await withChannel("trap '' TERM HUP; echo $$ > pid; while :; do sleep 1; done", in: folder) { channel in
                while pid == 0 {
                    try await Task.sleep(for: .milliseconds(20))
                    pid =
                        (try? folder.read("pid")).flatMap { pid_t(String(decoding: $0.dropLast(), as: UTF8.self)) } ?? 0
                }
                await channel.close()
                #expect(kill(pid, 0) == -1 && errno == ESRCH)
            }
        }
    }

    @Test("many channels at once all get their answers, and leave no descriptor open")
    func many() async throws {
        try await withFolder { folder in
            try folder.write([.hello(greeting, nil), .hookDone], to: "replies")
            let before = try openDescriptors()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        try await withChannel("head -c 4 >/dev/null; cat replies; cat >/dev/null", in: folder) {
                            channel in
                            channel.send(.status)
                            _ = try await channel.receive()
                            #expect(try await channel.receive() == .hookDone)
                            channel.send(frames: [UInt8](repeating: 1, count: 300_000))
                            try await channel.drained(below: 1)
                        }
                    }
                }
                try await group.waitForAll()
            }
            // Other tests run at the same time: none has as many descriptors as a leak would leave.
            #expect(try openDescriptors() < before + 100)
        }
    }
}

private let greeting = Greeting(version: "1", peer: "test")

/// Opens a channel to a script, and closes it whatever happens.
@FleetActor
private func withChannel(
    _ script: String, in folder: TemporaryFolder, timeout: Duration = .seconds(20),
    _ body: @FleetActor (Channel) async throws -> Void
) async throws {
    let channel = try Channel(["/bin/sh", "-c", "cd \(folder.path("")) && { \(script); }"], timeout: timeout)
    do { try await body(channel) } catch {
        await channel.close()
        throw error
    }
    await channel.close()
}

/// The error of a channel after a number of good replies.
@FleetActor
private func expectFailure(
    _ script: String, in folder: TemporaryFolder, after count: Int, timeout: Duration = .seconds(20)
) async throws -> SlotSyncError {
    var failure: SlotSyncError?
    try await withChannel(script, in: folder, timeout: timeout) { channel in
        for _ in 0..<count { _ = try await channel.receive() }
        failure = await #expect(throws: SlotSyncError.self) { try await channel.receive() }
        let again = await #expect(throws: SlotSyncError.self) { try await channel.receive() }
        #expect(again == failure)
    }
    return try #require(failure)
}

private func openDescriptors() throws -> Int {
    let folder = try #require(opendir("/proc/self/fd"))
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    return count
}
