// How a command ended. It has the exit codes that scripts depend on, and the summary that `--json` ends with.

import SlotSync

/// The exit codes.
enum ExitStatus: Int32, Sendable {
    /// All was done.
    case done = 0
    /// Failed; the live release is what it was, on every host.
    case failed = 1
    /// Done on some hosts; the message names the others.
    case partlyDone = 2
    /// Pushed, judged, and rolled back.
    case rolledBack = 3
    /// The command line or the configuration is wrong; nothing was done.
    case usage = 64

    /// For work that each host does by itself.
    init(done: Int, failed: Int) {
        self = failed == 0 ? .done : done == 0 ? .failed : .partlyDone
    }
}

/// What a fleet command comes to.
struct Conclusion: Sendable {
    var status: ExitStatus
    var release: ReleaseName?
    /// Hosts that the command was for, and those of them that failed.
    var hosts = 0
    var failed = 0
    var sentBytes: UInt64 = 0
    var receivedBytes: UInt64 = 0
    /// Logins that sshd dropped and that were tried again.
    var retriedLogins = 0

    /// The last line that `--json` prints.
    func json(command: String, duration: Duration) -> JSONValue {
        [
            "event": "summary", "command": .text(command), "release": .text(release?.id),
            "name": .text(release.flatMap { $0.name.isEmpty ? nil : $0.name }), "hosts": .number(hosts),
            "failed": .number(failed), "sent_bytes": .number(sentBytes), "received_bytes": .number(receivedBytes),
            "retried_logins": .number(retriedLogins), "seconds": .seconds(duration),
            "exit_code": .number(status.rawValue),
        ]
    }
}
