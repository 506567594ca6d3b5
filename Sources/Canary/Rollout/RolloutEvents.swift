// What goes into a Rollout and what comes out of it. PushDriver does the actions over the fleet's sessions, and reports
// what came of them as events. Hosts are indices of the plan's list.

extension Rollout {
    /// What can be asked of a host. One request is under way on a host at a time.
    public enum HostRequest: Sendable, Hashable, CaseIterable {
        /// The release is brought into its next slot.
        case stage
        /// It confirms that the release is ready, and runs its `before_flip` hook.
        case prepare
        /// It flips, provisionally: unless that is confirmed, its agent flips back when the session ends.
        case flip
        /// The provisional flip becomes a lasting one.
        case confirm
        /// The flip is taken back, whether or not it was confirmed.
        case takeBack
        /// Whatever session there was is dropped and a new one opened; on the host that first takes back a provisional
        /// flip which was left behind.
        case recover
        /// The slot that holds the release is marked bad, because of what ``Rollout/judgement`` says.
        case markBad
    }

    /// What happened.
    public enum Event: Sendable, Equatable {
        /// The push begins. First of all, once.
        case begin
        /// Time has passed. Asked for by `Action.wake(at:)`; does no harm at any other time.
        case tick
        /// A host has the release ready; `isLive`: there it is live already; `isFirst`: nothing is live there.
        case staged(Int, isLive: Bool, isFirst: Bool = false)
        /// The source could not be read, or staging ended as a whole for another reason.
        case stagingFailed(String)
        /// A host did what it was asked; for `stage` and `recover` there are events of their own.
        case done(HostRequest, Int)
        /// A host could not do what it was asked, and says why. Its session goes on, unless it could not take back or recover.
        case failed(HostRequest, Int, String)
        /// A host's session ended, and with it whatever the host was asked.
        case lost(Int, String)
        /// A host has a new session; `isLive`: the release of this push is live there.
        case recovered(Int, isLive: Bool)
        /// A sample of a host came, with a value for at least one metric.
        case sampled(Int)
        /// The answer to `Action.checkBaseline`: inconclusive, with what is missing to judge by; nil: nothing is.
        case baselineChecked(Judgement?)
        /// The judge's answer to the look of this number.
        case judged(Judgement, look: Int)
        /// Somebody answered `Action.ask`; true: go on.
        case answered(Bool)
        /// Ctrl-C, SIGTERM, SIGHUP.
        case interrupted
        /// Another command asks for the lock of a host: which, and for whom.
        case askedToGiveWay(String)
    }

    /// What is to be done, in this order.
    public enum Action: Sendable, Equatable {
        /// Ask these hosts for this, all in one go; `stage` is asked of all hosts. Each answers by an event.
        case request(HostRequest, [Int])
        case cancelStaging
        /// Listen to these hosts, which are not sampled, so that a loss is noticed.
        case listen([Int])
        /// Sample these hosts, from now on, until `stopSampling` or until their session ends.
        case sample([Int])
        case stopSampling
        /// End the sessions of these hosts, which have nothing left to do: who asked for their locks gets them.
        case release([Int])
        /// Look whether this comparison's base line has what a judgement needs, and answer with `baselineChecked`.
        case checkBaseline(Comparison)
        /// Judge this comparison with the samples that there are, and answer with `judged` and the look's number.
        /// `isLast`: at the end of the time; what is too little then stays too little.
        case judge(Comparison, look: Int, isLast: Bool)
        /// Tell people, who need not do anything.
        case warn(String)
        /// Ask somebody, who answers yes (go on) or no (take back). Void once anything else is ordered.
        case ask(String)
        /// Send `tick` at that time. Replaces what was asked before.
        case wake(at: Double)
        /// Drop every session at once: agents take back what was not confirmed.
        case abandon
        /// Close what is open; the push is over.
        case finish(RolloutOutcome)
    }

    /// Where a push is.
    public enum Phase: Sendable, Hashable {
        case staging
        case baseline
        case preparing(RolloutPlan.StepKind)
        case flipping(RolloutPlan.StepKind)
        case window(RolloutPlan.StepKind)
        case asking
        case confirming(RolloutPlan.StepKind)
        case watching
        case takingBack
        case marking
        case done
    }
}
