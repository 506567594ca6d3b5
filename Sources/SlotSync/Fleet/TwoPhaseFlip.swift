// When a fleet may go on from one phase of a flip to the next, and when everything is taken back. A value:
// events in, actions out, no session and no clock, so that every order of events can be tried in a test.

/// The decisions of one flip or rollback over a fleet.
struct TwoPhaseFlip: Sendable {
    enum Phase: Sendable, Equatable {
        /// Every host confirms that the release is ready.
        case preparing
        /// Every host runs its hook.
        case hooking
        /// Every host renames.
        case committing
        /// Those that flipped are taken back.
        case undoing
        case done
    }

    /// How a host came through the phase under way.
    enum Event: Sendable {
        case succeeded(Int)
        case failed(Int)
    }

    /// What is to be done next, with which hosts.
    enum Action: Sendable, Equatable {
        case runBeforeHooks([Int])
        case commit([Int])
        case undo([Int])
        /// Nothing more; `isMixed`: hosts are left on different releases although the flip was given up.
        case finish(isMixed: Bool)
    }

    private(set) var phase = Phase.preparing
    private let allowedFailures: Int
    private let hasBeforeHook: Bool
    /// Hosts that the phase under way waits for.
    private var pending: Set<Int>
    /// Hosts that came through it.
    private var succeeded: [Int] = []
    private(set) var failed: Set<Int> = []
    /// Hosts that renamed and were not taken back.
    private(set) var flipped: Set<Int> = []
    private(set) var takenBack: Set<Int> = []

    init(hostCount: Int, allowedFailures: Int, hasBeforeHook: Bool) {
        pending = Set(0..<hostCount)
        self.allowedFailures = allowedFailures
        self.hasBeforeHook = hasBeforeHook
    }

    /// Whether the flip was given up.
    var isGivenUp: Bool { failed.count > allowedFailures }

    /// Takes an event of the phase under way.
    ///
    /// - Returns: what to do next once every host of the phase was heard of; nil until then.
    mutating func handle(_ event: Event) -> Action? {
        switch event {
        case .succeeded(let host):
            guard pending.remove(host) != nil else { return nil }
            succeeded.append(host)
        case .failed(let host):
            guard pending.remove(host) != nil else { return nil }
            failed.insert(host)
        }
        return pending.isEmpty ? next() : nil
    }

    private mutating func next() -> Action {
        let hosts = succeeded.sorted()
        succeeded = []
        switch phase {
        case .preparing where hasBeforeHook && !isGivenUp && !hosts.isEmpty:
            return begin(.hooking, .runBeforeHooks(hosts), hosts)
        case .preparing, .hooking:
            guard !isGivenUp, !hosts.isEmpty else { return finish() }
            return begin(.committing, .commit(hosts), hosts)
        case .committing:
            flipped = Set(hosts)
            guard isGivenUp, !hosts.isEmpty else { return finish() }
            return begin(.undoing, .undo(hosts), hosts)
        case .undoing:
            takenBack = Set(hosts)
            flipped.subtract(hosts)
            return finish()
        case .done: return finish()
        }
    }

    private mutating func begin(_ phase: Phase, _ action: Action, _ hosts: [Int]) -> Action {
        self.phase = phase
        pending = Set(hosts)
        return action
    }

    private mutating func finish() -> Action {
        phase = .done
        return .finish(isMixed: isGivenUp && !flipped.isEmpty)
    }
}
