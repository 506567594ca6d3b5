// When a fleet may go on from one step of a flip to the next, and when everything is taken back. A value: what came of
// each step goes in, the next step comes out, so that every outcome can be tried in a test. FleetFlip carries the steps
// out.

/// The decisions of one flip or rollback over a fleet.
struct TwoPhaseFlip: Sendable {
    enum Step: Sendable, Equatable {
        /// Every host confirms that the release is ready.
        case prepare
        /// Every host runs its hook.
        case runBeforeHook
        /// Every host renames.
        case commit
        /// Those that flipped are taken back.
        case undo
    }

    /// What is to be done now; nil: nothing more.
    private(set) var step: Step? = .prepare
    /// The hosts that take part in the step.
    private(set) var hosts: [Host]
    private let allowedFailures: Int
    private var failed: Int
    /// Hosts that renamed and were not taken back.
    private(set) var flipped: [Host] = []
    private(set) var takenBack: [Host] = []

    /// - Parameters:
    ///   - hosts: those that take part.
    ///   - failed: how many hosts have failed before.
    init(hosts: [Host], failed: Int, allowedFailures: Int) {
        self.hosts = hosts
        self.failed = failed
        self.allowedFailures = allowedFailures
    }

    /// Whether the flip was given up.
    var isGivenUp: Bool { failed > allowedFailures }

    /// Takes what came of the step, when all of its hosts were heard.
    ///
    /// - Parameter done: the hosts that came through it.
    mutating func end(_ done: [Host]) {
        failed += hosts.count - done.count
        hosts = done
        switch step {
        case .prepare: step = isGivenUp || done.isEmpty ? nil : .runBeforeHook
        case .runBeforeHook: step = isGivenUp || done.isEmpty ? nil : .commit
        case .commit:
            flipped = done
            step = isGivenUp && !done.isEmpty ? .undo : nil
        case .undo:
            let back = Set(done)
            flipped.removeAll { back.contains($0) }
            takenBack = done
            step = nil
        case nil: break
        }
    }
}
