// The host's program: the library's agent behind a command line of three words. Read by hand, because an
// argument parser would bring Foundation, and with it ten times the size.

import Dispatch
import Glibc
import SlotSync
import Synchronization
import SystemPackage

@main
struct SlotSyncAgent {
    private static let usage = """
        usage: slotsync-agent [agent] --root PATH [--policy FILE] [--verify-key FILE]
               slotsync-agent --version | --help

        The host's side of a SlotSync session, on standard input and output. The controller starts it:
        `slotsync stage`, `flip` and the others, by ssh or as a child process.

          --root PATH        the folder that holds the ring
          --policy FILE      what may be asked for, in a file of root's; without it, everything
          --verify-key FILE  Ed25519 keys, one of which has to have signed a release

        """

    /// Not asynchronous itself: Dispatch would leave the first thread by pthread_exit, and in a static program the
    /// unwinder sorts all of its tables for that, which takes longer than a session.
    static func main() {
        let thread = FirstThread()
        Task.detached(executorPreference: thread) { exit(await run(Array(processArguments().dropFirst()))) }
        thread.work()
    }

    private static func run(_ arguments: [String]) async -> Int32 {
        switch AgentArguments(arguments) {
        case .serve(let root, let policy, let verifyKey):
            return await HostAgent.serve(root: root, policy: policy, verifyKey: verifyKey)
        case .version: return say("slotsync-agent \(SlotSyncVersion.text)\n", on: .standardOutput, code: 0)
        case .help: return say(usage, on: .standardOutput, code: 0)
        case .wrong(let why): return say("slotsync-agent: \(why)\n\(usage)", on: .standardError, code: usageExitCode)
        }
    }

    /// The same as the command's: sysexits.h's EX_USAGE.
    private static let usageExitCode: Int32 = 64

    private static func say(_ text: String, on stream: FileDescriptor, code: Int32) -> Int32 {
        try? stream.writeFully(text)
        return code
    }
}

/// All that the agent awaits is done on the thread that the process begins with. Where no other can be made, Dispatch's
/// queues would wait for ever: see WorkerThreads.
private final class FirstThread: TaskExecutor {
    private let jobs = Mutex<[UnownedJob]>([])
    private let count = DispatchSemaphore(value: 0)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
        count.signal()
    }

    /// Does what comes, until the process ends.
    func work() -> Never {
        while true {
            count.wait()
            jobs.withLock { $0.removeFirst() }.runSynchronously(on: asUnownedTaskExecutor())
        }
    }
}

/// What the words on the command line ask for.
enum AgentArguments: Equatable {
    case serve(root: String, policy: String?, verifyKey: String? = nil)
    case version
    case help
    case wrong(String)

    init(_ arguments: [String]) {
        var rest = arguments[...]
        if rest.first == "agent" { rest = rest.dropFirst() }
        let isAlone = rest.count == 1
        switch rest.first {
        case "--version" where isAlone: self = .version
        case "--help" where isAlone, "-h" where isAlone: self = .help
        default: self = Self.serving(rest)
        }
    }

    /// Each option once, its value behind it or behind an equals sign.
    private static func serving(_ words: ArraySlice<String>) -> AgentArguments {
        var values: [String: String] = [:]
        var rest = words
        while let word = rest.popFirst() {
            let option = String(word.prefix { $0 != "=" })
            guard ["--root", "--policy", "--verify-key"].contains(option) else {
                return .wrong("unknown argument \(quoted(word))")
            }
            let value = option == word ? rest.popFirst() : String(word.dropFirst(option.count + 1))
            guard let value, !value.isEmpty else { return .wrong("\(option) takes one path") }
            guard values.updateValue(value, forKey: option) == nil else { return .wrong("\(option) is there twice") }
        }
        guard let root = values["--root"] else { return .wrong("--root is missing") }
        return .serve(root: root, policy: values["--policy"], verifyKey: values["--verify-key"])
    }
}
