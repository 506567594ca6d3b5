// A child process behind three pipes: ssh, the user's remote shell, or an agent on this machine. It leads a session of
// its own, without a terminal. So a person's ^C does not cut sessions that still have to take a flip back, and what a
// wrapper script started is ended together with it. What would ask something at the terminal fails at once, and says
// so: of a hundred hosts nobody could tell whose question it is, and in the background the kernel stops who asks.

import Dispatch
import Subprocess
import SystemPackage

/// A process that was started by this program, and is reaped by it.
@FleetActor
final class ChildProcess {
    enum End: Sendable {
        case exited(Int)
        case signalled(Int)
        /// It could not be started.
        case failed(String)
    }

    /// How it ended; nil while it runs.
    private(set) var end: End?
    private let ended = Wakeup()
    private var task: Task<Void, Never>?

    /// Starts `command`, a program and its arguments. The descriptors are the child's, and closed here in any case.
    ///
    /// A program that cannot be started is told by `end`, soon.
    init(_ command: [String], input: FileDescriptor, output: FileDescriptor, errors: FileDescriptor) {
        task = Task { [weak self] in
            let end = await ChildProcess.run(command, input: input, output: output, errors: errors)
            self?.end = end
            self?.ended.wake()
        }
    }

    /// Waits until it has ended, though not longer than `limit`, also in a cancelled task.
    func wait(atMost limit: Duration) async {
        let clock = SuspendingClock()
        let deadline = clock.now + limit
        // Tasks of their own, which are not cancelled with the caller's.
        let alarm = Task { [ended] in
            try? await clock.sleep(until: deadline)
            ended.wake()
        }
        let waiting = Task {
            while end == nil, clock.now < deadline { try? await ended.wait() }
        }
        await waiting.value
        alarm.cancel()
    }

    /// Asks it to end, and a second later makes it.
    func terminate() { task?.cancel() }

    /// Without a terminal ssh asks in a window, if it finds a screen: one for each host.
    private nonisolated static let silence: [Environment.Key: String?] = [
        "SSH_ASKPASS_REQUIRE": "never", "SSH_ASKPASS": nil, "DISPLAY": nil, "WAYLAND_DISPLAY": nil,
    ]

    @concurrent
    private nonisolated static func run(
        _ command: [String], input: FileDescriptor, output: FileDescriptor, errors: FileDescriptor
    ) async -> End {
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [.gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(1))]
        do {
            let result = try await Subprocess.run(
                command[0].contains("/") ? .path(FilePath(command[0])) : .name(command[0]),
                arguments: Arguments(Array(command.dropFirst())),
                environment: .inherit.updating(silence),
                platformOptions: options,
                input: .fileDescriptor(input, closeAfterSpawningProcess: true),
                output: .fileDescriptor(output, closeAfterSpawningProcess: true),
                error: .fileDescriptor(errors, closeAfterSpawningProcess: true))
            switch result.terminationStatus {
            case .exited(let code): return .exited(Int(code))
            case .signaled(let signal): return .signalled(Int(signal))
            }
        } catch {
            let error = error as? SubprocessError
            let reason = error?.underlyingError.map { "\($0)" } ?? "there is no such program"
            return .failed("cannot run \(quoted(command[0])): \(reason)")
        }
    }
}

/// The three pipes of a child: this program's ends do not block, and no other child inherits any.
struct ChildPipes {
    let input: (read: FileDescriptor, write: FileDescriptor)
    let output: (read: FileDescriptor, write: FileDescriptor)
    let errors: (read: FileDescriptor, write: FileDescriptor)
    private static let inputSize = 1 << 20

    init() throws {
        var made: [(read: FileDescriptor, write: FileDescriptor)] = []
        do {
            for _ in 0..<3 { made.append(try FileDescriptor.closeOnExecPipe()) }
            (input, output, errors) = (made[0], made[1], made[2])
            for end in [input.write, output.read, errors.read] { try end.setNonBlocking() }
            // Fewer turns between the two ends; where it is refused, the usual size does.
            try? input.write.setPipeSize(Self.inputSize)
        } catch {
            for pipe in made {
                try? pipe.read.close()
                try? pipe.write.close()
            }
            throw SlotSyncError(.system, "cannot make pipes for a session", errno: error)
        }
    }
}
