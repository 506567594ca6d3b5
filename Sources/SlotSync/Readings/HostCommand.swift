// A command on the host as a source of numbers. Each sample starts it, beside all others, and it has until the sample's
// deadline.

/// A command that prints numbers. One user at a time.
final class HostCommand {
    private let command: String
    /// What was started with this sample; or an earlier one's that could not be killed.
    private var process: ShellProcess?
    private var problem: String?
    /// Since when an earlier sample's, though killed, was found to be there still.
    private var hangsSince: ContinuousClock.Instant?

    /// A killed command that is there so much longer hangs in the kernel; before, the machine may merely be slow.
    private static let longestEnd = Duration.seconds(4)

    init(_ command: String) { self.command = command }

    func start(at now: ContinuousClock.Instant = .now) {
        if let process, !process.hasEnded {
            let since = hangsSince ?? now
            hangsSince = since
            problem =
                since.duration(to: now) < Self.longestEnd
                ? "it took longer than it may for an earlier sample, and is still being ended"
                : "it still hangs since an earlier sample, and cannot be killed: does it wait for a dead disk or server?"
            return
        }
        problem = nil
        hangsSince = nil
        process = nil
        do { process = try ShellProcess(command, longestOutput: ReadingLimits.longestOutput) } catch {
            problem = "it could not be started: \(error)"
        }
    }

    /// What it printed; if it is not done by the deadline, nothing.
    ///
    /// - Parameters:
    ///   - limit: how long it had, for the reason.
    ///   - isOver: asked now and then; true: it is killed, and not waited for.
    func outcome(
        by deadline: ContinuousClock.Instant, limit: Duration, unless isOver: () -> Bool = { false }
    ) -> HostReadings.Outcome {
        guard problem == nil, let process else { return missing(problem ?? "it was not started") }
        switch process.end(by: deadline, unless: isOver) {
        case .exited(0):
            let outcome = CommandOutput.outcome(process.output)
            if case .missing(let reason) = outcome { return missing(reason) }
            return outcome
        case .exited(let code): return missing("it failed with exit code \(code)\(lastWords(of: process))")
        case .signalled(let signal): return missing("signal \(signal) ended it\(lastWords(of: process))")
        case .tookTooLong: return missing("it took longer than \(TimeText.exact(limit)), and was killed")
        case .notAwaited: return missing("it was killed, since this host had something more urgent to do")
        case .printedTooMuch:
            return missing("it printed more than \(byteText(UInt64(ReadingLimits.longestOutput))), and was killed")
        }
    }

    private func missing(_ reason: String) -> HostReadings.Outcome {
        .missing("the command \(quoted(command)): \(reason)")
    }

    private func lastWords(of process: ShellProcess) -> String {
        let words = process.errors.isEmpty ? process.output : process.errors
        let line = String(decoding: words.suffix(2048), as: UTF8.self).split(whereSeparator: \.isNewline).last
        return line.map { ": \(quoted($0))" } ?? ""
    }
}
