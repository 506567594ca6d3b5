// A child process behind three pipes: ssh, the user's remote shell, or an agent on this machine. It leads a session of
// its own, without a terminal. So a person's ^C does not cut sessions that still have to take a flip back, and what a
// wrapper script started is ended together with it. What would ask something at the terminal fails at once, and says
// so: of a hundred hosts nobody could tell whose question it is, and in the background the kernel stops who asks.

import Glibc
import SystemPackage

/// A process that was started by this program, and is reaped by it when somebody asks whether it has ended.
@FleetActor
final class ChildProcess {
    enum End: Sendable {
        case exited(Int)
        case signalled(Int)
        /// It could not be started, or nobody knows how it ended.
        case failed(String)
    }

    private var process: SpawnedProcess?
    private var failure: End?
    private var isTerminating = false

    /// Without a terminal ssh asks in a window, if it finds a screen: one for each host.
    private static let silence: [(name: String, value: String?)] = [
        ("SSH_ASKPASS_REQUIRE", "never"), ("SSH_ASKPASS", nil), ("DISPLAY", nil), ("WAYLAND_DISPLAY", nil),
    ]

    /// Starts `command`, a program and its arguments. The descriptors are the child's, and closed here in any case.
    ///
    /// A program that cannot be started is told by `end`.
    init(_ command: [String], input: FileDescriptor, output: FileDescriptor, errors: FileDescriptor) {
        do throws(Errno) {
            process = try SpawnedProcess(
                command, variables: Self.silence, input: input, output: output, errors: errors, leadsSession: true)
        } catch {
            let isUnknown = error == .noSuchFileOrDirectory && !command[0].contains("/")
            let reason = isUnknown ? "there is no such program" : "\(error)"
            failure = .failed("cannot run \(quoted(command[0])): \(reason)")
        }
        for descriptor in [input, output, errors] { try? descriptor.close() }
    }

    /// How it ended; nil while it runs.
    var end: End? {
        if let failure { return failure }
        switch process?.lookForEnd() {
        case .exited(let code): return .exited(Int(code))
        case .signalled(let signal): return .signalled(Int(signal))
        case .unknown(let error): return .failed("nobody knows how the session's program ended: \(error)")
        case nil: return nil
        }
    }

    /// The times between two looks.
    private static let pauses = (shortest: Duration.milliseconds(1), longest: Duration.milliseconds(100))

    /// Waits until it has ended, though not longer than `limit`, also in a cancelled task.
    func wait(atMost limit: Duration) async {
        guard end == nil else { return }
        // A task of its own, which is not cancelled with the caller's.
        await Task {
            let clock = SuspendingClock()
            let deadline = clock.now + limit
            var pause = Self.pauses.shortest
            while end == nil, clock.now < deadline {
                try? await clock.sleep(for: min(pause, deadline - clock.now))
                pause = min(pause * 2, Self.pauses.longest)
            }
        }.value
    }

    /// How long it may take to end when it was asked to, and when it was made to.
    private static let patience = Duration.seconds(1)

    /// Asks it to end, with all that it started, and a second later makes it.
    func terminate() {
        guard end == nil, !isTerminating else { return }
        isTerminating = true
        process?.signalGroup(SIGTERM)
        Task {
            await wait(atMost: Self.patience)
            process?.signalGroup(SIGKILL)
            // Nobody else may ask any more.
            await wait(atMost: Self.patience)
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
