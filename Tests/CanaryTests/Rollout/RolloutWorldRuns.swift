// How tests lead a RolloutWorld: to a phase, to the next look, to the end; and what they look at afterwards.

@testable import Canary

extension RolloutWorld {
    var canaries: [Int] { steps[0].hosts }
    /// The hosts on which the release is live for good.
    var live: [Int] { hosts.indices.filter { hosts[$0].live == .confirmed } }

    var warnings: [String] {
        actions.compactMap { action in
            if case .warn(let text) = action { text } else { nil }
        }
    }

    var marked: [Int] { hosts.indices.filter { hosts[$0].isMarkedBad } }

    var flips: [Rollout.Action] {
        actions.filter { action in
            if case .request(.flip, _) = action { true } else { false }
        }
    }

    /// Lets all go well until a phase begins; every look before it gets this verdict.
    mutating func run(until phase: Rollout.Phase, verdict: Verdict = .pass) {
        while rollout.phase != phase, outcome == nil, let move = usualMove {
            make(move == .judge(.pass) ? .judge(verdict) : move)
        }
    }

    /// Lets all go well until the judge is asked.
    mutating func runToNextLook() {
        while look == nil, let move = usualMove { make(move) }
    }

    mutating func judgeNextLook(_ verdict: Verdict) {
        runToNextLook()
        make(.judge(verdict))
    }

    /// Runs to the end, while one host fails to do what it is asked of this.
    mutating func runToEnd(refusing requests: [Rollout.HostRequest?], on host: Int) {
        while outcome == nil, let move = usualMove { make(requests.contains(hosts[host].request) ? .fail(host) : move) }
        checkEnd()
    }

    /// Lets all go well until the base line is looked at, and that lack something.
    mutating func lackBaseline() {
        while !isBaselineAsked, let move = usualMove { make(move) }
        make(.checkBaseline(isEnough: false))
    }

    /// Runs to the end; every look gets this verdict.
    mutating func judgeAllLooks(_ verdict: Verdict) {
        judgeAllLooks { _ in Judgement(verdict: verdict, metrics: [], why: "because") }
    }

    mutating func judgeAllLooks(_ judgement: (Look) -> Judgement) {
        while outcome == nil, problems.isEmpty, let move = usualMove {
            if case .judge = move, let look { judge(judgement(look)) } else { make(move) }
        }
        checkEnd()
    }
}
