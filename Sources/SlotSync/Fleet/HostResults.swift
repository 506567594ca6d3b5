// What comes of hosts that were asked something: their answers, their failures, and what happens to them beside that.

/// What came of asking several hosts.
public struct HostResults<Answer: Sendable>: Sendable {
    /// In the hosts' order.
    public var answers: [(host: Host, answer: Answer)] = []
    /// Hosts that could not do it, in the hosts' order.
    public var failures: [HostFailure] = []

    /// Hosts that did it.
    public var done: [Host] { answers.map(\.host) }

    init(_ hosts: [Host], _ results: [Result<Answer, any Error>?]) {
        for (host, result) in zip(hosts, results) {
            switch result {
            case .success(let answer): answers.append((host, answer))
            case .failure(let error): failures.append(HostFailure(host: host, error: hostError(error)))
            case nil: break
            }
        }
    }
}

/// A host that could not do what was asked, and why.
public struct HostFailure: Sendable, Hashable {
    /// The host.
    public var host: Host
    /// Why; its message does not name the host.
    public var error: SlotSyncError

    /// A failure of one host.
    public init(host: Host, error: SlotSyncError) {
        self.host = host
        self.error = error
    }
}

/// What happens to a host beside what it is asked.
public enum HostEvent: Sendable {
    /// What it read when it was asked for the sample with this number.
    case readings(Host, number: UInt32, HostReadings)
    /// What a person should know of it, one line.
    case warning(Host, String)
    /// Another command asks for the lock that the session holds there; which, and for whom.
    case askedToGiveWay(Host, String)
    /// Its session has ended. A flip that is provisional there goes back by itself.
    case lost(Host, SlotSyncError)
}
