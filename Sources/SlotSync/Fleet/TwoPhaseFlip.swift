// When a fleet may go on from one step of a flip to the next, and when everything is taken back. A value: what came of
// each step goes in, the next step comes out; of the commit, what came of each host. So every outcome, in every order, can
// be tried in a test. FleetFlip carries the steps out.

/// The decisions of one flip or rollback over a fleet.
package struct TwoPhaseFlip: Sendable {
    package enum Step: Sendable, Equatable {
        /// Every host confirms that the release is ready.
        case prepare
        /// Every host runs its hook.
        case runBeforeHook
        /// Every host renames; those that did go back if the flip is given up.
        case commit
    }

    /// What becomes of the hosts that flipped.
    package enum Decision: Sendable, Equatable { case stay, goBack }

    /// What is to be done now; nil: nothing more.
    package private(set) var step: Step? = .prepare
    /// The hosts that take part in the step.
    package private(set) var hosts: [Host]
    private let allowedFailures: Int
    private var failed: Int
    /// Hosts that take part in the commit and have not said yet what came of it.
    private var unheard: Set<Host> = []
    /// Hosts that renamed and were not taken back.
    package private(set) var flipped: Set<Host> = []
    package private(set) var takenBack: Set<Host> = []

    /// - Parameters:
    ///   - hosts: those that take part.
    ///   - failed: how many hosts have failed before.
    package init(hosts: [Host], failed: Int, allowedFailures: Int) {
        self.hosts = hosts
        self.failed = failed
        self.allowedFailures = allowedFailures
    }

    /// Whether the flip was given up.
    package var isGivenUp: Bool { failed > allowedFailures }

    /// Takes what came of the step, when all of its hosts were heard.
    ///
    /// - Parameter done: the hosts that came through it.
    package mutating func end(_ done: [Host]) {
        switch step {
        case .prepare, .runBeforeHook:
            failed += hosts.count - done.count
            hosts = done
            guard !isGivenUp, !done.isEmpty else { return step = nil }
            step = step == .prepare ? .runBeforeHook : .commit
            if step == .commit { unheard = Set(done) }
        case .commit, nil: step = nil
        }
    }

    // MARK: The commit

    /// What those that flipped are to do; nil: they wait for other hosts. When too many have failed, nobody is waited
    /// for: whatever comes of the others, all go back.
    package var decision: Decision? { isGivenUp ? .goBack : unheard.isEmpty ? .stay : nil }

    /// Takes what came of a host's commit.
    package mutating func note(_ host: Host, hasFlipped: Bool) {
        guard unheard.remove(host) != nil else { return }
        if hasFlipped { flipped.insert(host) } else { failed += 1 }
    }

    /// A host that was told to go back was lost, and cannot be asked again: nobody knows what is live there.
    package mutating func noteUncertain(_ host: Host) { flipped.remove(host) }

    /// A host that flipped is back.
    package mutating func noteTakenBack(_ host: Host) { if flipped.remove(host) != nil { takenBack.insert(host) } }
}
