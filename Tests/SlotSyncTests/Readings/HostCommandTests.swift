import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("What a command printed")
struct CommandOutputTests {
    @Test(
        "one number, or lines of a name and a number",
        arguments: [
            ("12.5\n", ["": 12.5]), ("  -3e2  ", ["": -300]), ("0", ["": 0]),
            ("p50 10\np95\t31.5\n\np99 90\n", ["p50": 10, "p95": 31.5, "p99": 90]), ("größe 1", ["größe": 1]),
        ])
    func numbers(text: String, values: [String: Double]) {
        guard case .read(let readings) = CommandOutput.outcome(Array(text.utf8)) else {
            return #expect(Bool(false), "\(CommandOutput.outcome(Array(text.utf8)))")
        }
        #expect(Dictionary(uniqueKeysWithValues: readings.map { ($0.name, $0.value) }) == values)
    }

    @Test(
        "anything else is missing, with the reason",
        arguments: [
            ("", "nothing"), ("\n \n", "nothing"), ("fast", "no number"), ("1\n2\n", "`name value`"),
            ("nan", "no number"),
            ("inf", "no number"), ("12 ms", "no number"), ("a b c", "`name value`"), ("a 1\na 2\n", "twice"),
            ("a 1\nb x\n", "\"x\", which is no number"), ("1,5", "no number"),
            (String(repeating: "x", count: 65) + " 1", "too long"),
            ((0...64).map { "n\($0) 1\n" }.joined(), "65 lines"),
        ])
    func missing(text: String, reason: String) {
        guard case .missing(let told) = CommandOutput.outcome(Array(text.utf8)) else {
            return #expect(Bool(false), "it was read")
        }
        #expect(told.firstPlace(of: reason) != nil, "\(told)")
    }
}

@Suite("A command that is read")
struct HostCommandTests {
    private func outcome(_ text: String, within limit: Duration = .seconds(60)) -> HostReadings.Outcome {
        let command = HostCommand(text)
        let deadline = ContinuousClock.now + limit
        command.start()
        return command.outcome(by: deadline, limit: limit)
    }

    private func reason(_ outcome: HostReadings.Outcome) -> String {
        guard case .missing(let reason) = outcome else { return "read: \(outcome)" }
        return reason
    }

    @Test("it is a line of shell, with the host's environment and nothing on its input")
    func shell() {
        #expect(outcome("echo $((40 + 2))") == .read([HostReading(value: 42)]))
        #expect(outcome("printf '%s' \"${HOME:+7}\"") == .read([HostReading(value: 7)]))
        #expect(outcome("cat; echo 1; echo noise >&2") == .read([HostReading(value: 1)]))
    }

    @Test("one that fails is missing, with its last words")
    func failing() {
        #expect(
            reason(outcome("echo 5; echo 'no such table' >&2; exit 3")).firstPlace(of: #"exit code 3: "no such table""#)
                != nil)
        #expect(reason(outcome("kill -9 $$")).firstPlace(of: "signal 9") != nil)
        #expect(reason(outcome("/no/such/program")).firstPlace(of: "exit code 127") != nil)
        #expect(reason(outcome("true")).firstPlace(of: "nothing") != nil)
    }

    @Test("signals are as they are at first: a pipe that breaks ends its writer")
    func signals() {
        #expect(outcome("yes | head -n 1 >/dev/null; echo 1") == .read([HostReading(value: 1)]))
    }

    @Test("one that takes too long is killed with all that it started")
    func tooLong() async throws {
        try await withFolder { folder in
            let pids = folder.path("pids").string
            let start = ContinuousClock.now
            let outcome = outcome("sleep 600 & echo $! > \(pids); echo $$ >> \(pids); wait", within: .seconds(4))
            #expect(reason(outcome).firstPlace(of: "took longer than 4 s,") != nil)
            #expect(ContinuousClock.now - start < .seconds(30))
            let left = String(decoding: try folder.read("pids"), as: UTF8.self).split(separator: "\n").compactMap {
                pid_t($0)
            }
            try #require(left.count == 2)
            // The shell was reaped; what it started is for init to reap, so a zombie may be seen for a moment.
            for pid in left { while isRunning(pid) { usleep(1000) } }
        }
    }

    /// Whether a process is there and is no zombie.
    private func isRunning(_ pid: pid_t) -> Bool {
        guard let stat = try? procText(FilePath("/proc/\(pid)/stat")) else { return false }
        return stat.firstPlace(of: ") Z") == nil
    }

    @Test("one that an earlier sample left is said to be ended at first, and to hang when it is there long after")
    func hanging() {
        let command = HostCommand("sleep 600")
        let start = ContinuousClock.now
        func reason(at seconds: Int) -> String {
            command.start(at: start + .seconds(seconds))
            return self.reason(command.outcome(by: start, limit: .zero))
        }
        command.start(at: start)
        #expect(reason(at: 5).firstPlace(of: "for an earlier sample, and is still being ended") != nil)
        #expect(reason(at: 6).firstPlace(of: "still being ended") != nil)
        #expect(reason(at: 10).firstPlace(of: "cannot be killed") != nil)
    }

    @Test("what it leaves running in the background is not waited for, though it keeps the pipe")
    func background() async throws {
        try await withFolder { folder in
            let pid = folder.path("pid").string
            let start = ContinuousClock.now
            #expect(outcome("sleep 600 & echo $! > \(pid); echo 8") == .read([HostReading(value: 8)]))
            #expect(ContinuousClock.now - start < .seconds(30))
            let child = try #require(pid_t(String(decoding: try folder.read("pid"), as: UTF8.self).filter(\.isNumber)))
            #expect(isRunning(child))
            kill(child, SIGKILL)
        }
    }

    @Test("one that prints without end is ended long before its time", arguments: ["yes", "yes >&2"])
    func flood(text: String) {
        let start = ContinuousClock.now
        #expect(reason(outcome(text)).firstPlace(of: "printed more than") != nil)
        #expect(ContinuousClock.now - start < .seconds(30))
    }

    @Test("it may print as much as the bound")
    func most() {
        let most = ReadingLimits.longestOutput
        #expect(outcome("head -c \(most - 2) /dev/zero | tr '\\0' ' '; echo 4") == .read([HostReading(value: 4)]))
    }
}
