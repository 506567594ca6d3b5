// A shell command whose output is wanted by a deadline; HostCommand reads numbers from it. A child that hangs inside the
// kernel, in a look at a dead file server, cannot be killed, and its host has to answer all the same.

import Glibc
import SystemPackage

/// A child in a process group of its own, with two pipes for what it prints. One user at a time.
final class ShellProcess {
    enum End: Equatable {
        case exited(Int32)
        case signalled(Int32)
        /// It was killed, with its process group.
        case tookTooLong, printedTooMuch
        /// It was killed as well, and nobody looked whether it is gone.
        case notAwaited
    }

    /// What it printed, of each stream no more than it may.
    private(set) var output: [UInt8] = []
    private(set) var errors: [UInt8] = []

    private let longestOutput: Int
    private let child: SpawnedProcess
    private let pipes: (output: FileDescriptor, errors: FileDescriptor)

    /// Starts `/bin/sh -c command`.
    init(_ command: String, longestOutput: Int) throws(Errno) {
        self.longestOutput = longestOutput
        let output = try FileDescriptor.closeOnExecPipe()
        do throws(Errno) {
            let errors = try FileDescriptor.closeOnExecPipe()
            defer { try? errors.write.close() }
            do throws(Errno) {
                try output.read.setNonBlocking()
                try errors.read.setNonBlocking()
                let input = try SpawnedProcess.emptyInput()
                defer { try? input.close() }
                child = try SpawnedProcess(
                    ["/bin/sh", "-c", command], input: input, output: output.write, errors: errors.write)
            } catch {
                try? errors.read.close()
                throw error
            }
            pipes = (output.read, errors.read)
        } catch {
            try? output.read.close()
            try? output.write.close()
            throw error
        }
        try? output.write.close()
    }

    deinit {
        if !child.hasEnded { child.signalGroup(SIGKILL) }
        try? pipes.output.close()
        try? pipes.errors.close()
    }

    /// How often is looked whether the child has ended, where nothing that it prints tells.
    private static let pollInterval: Int32 = 10
    /// How long a child that was killed may take to be gone.
    private static let patience = Duration.milliseconds(100)

    /// Reads what it prints until it ends, and kills it, with its process group, at the deadline. What it leaves
    /// running in the background is not waited for.
    ///
    /// - Parameter isOver: asked at each turn; true: it is killed now.
    func end(by deadline: ContinuousClock.Instant, unless isOver: () -> Bool = { false }) -> End {
        var open = [pipes.output, pipes.errors]
        while true {
            // The order matters: what a child printed before it ended is in the pipe by then.
            let end = child.lookForEnd()
            open.removeAll { !drain($0) }
            if output.count > longestOutput || errors.count > longestOutput { return killed(.printedTooMuch) }
            switch end {
            case .exited(let code): return .exited(code)
            case .signalled(let signal): return .signalled(signal)
            // What was printed has to do.
            case .unknown: return .exited(0)
            case nil: break
            }
            guard !isOver() else {
                child.signalGroup(SIGKILL)
                return .notAwaited
            }
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { return killed(.tookTooLong) }
            var wanted = open.map { pollfd(fd: $0.rawValue, events: Int16(POLLIN), revents: 0) }
            poll(&wanted, nfds_t(wanted.count), min(Self.pollInterval, Int32(clamping: left.wholeMilliseconds + 1)))
        }
    }

    /// Whether it is gone, so that nothing is left of it. A child that was killed may hang inside the kernel.
    var hasEnded: Bool { child.hasEnded }

    private func killed(_ why: End) -> End {
        child.signalGroup(SIGKILL)
        let deadline = ContinuousClock.now + Self.patience
        while !hasEnded, ContinuousClock.now < deadline { usleep(1000) }
        return why
    }

    /// Reads what is in the pipe.
    ///
    /// - Returns: false at its end.
    private func drain(_ pipe: FileDescriptor) -> Bool {
        let isOutput = pipe == pipes.output
        return withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            while (isOutput ? output : errors).count <= longestOutput {
                do throws(Errno) {
                    let raw = pipe.rawValue
                    let count = try systemCall { Glibc.read(raw, buffer.baseAddress!, buffer.count) }
                    if count == 0 { return false }
                    if isOutput { output += buffer[..<count] } else { errors += buffer[..<count] }
                } catch {
                    return error == .resourceTemporarilyUnavailable
                }
            }
            return true
        }
    }
}
