// The phases and comparisons of a push in a word, for records, reports, `--json` and the live view.

extension RolloutPlan.StepKind: CustomStringConvertible {
    public var description: String {
        switch self {
        case .canaries: "canaries"
        case .subset(let number): "phase \(number)"
        case .everybody: "everybody"
        case .heldBack: "held back"
        }
    }
}

extension Comparison.Kind: CustomStringConvertible {
    public var description: String {
        switch self {
        case .baseline: "base line"
        case .window(let step): "\(step)"
        case .watch, .guarding: "watch"
        }
    }
}

extension Rollout.Phase: CustomStringConvertible {
    public var description: String {
        switch self {
        case .staging: "staging"
        case .baseline: "base line"
        case .preparing(let step): "preparing \(step.plainPeople)"
        case .flipping(let step): "flipping \(step.plainPeople)"
        case .window(let step): "watching \(step.plainPeople)"
        case .asking: "asking"
        case .confirming(let step): "confirming \(step.plainPeople)"
        case .watching: "watch"
        case .takingBack: "taking back"
        case .marking: "marking as bad"
        case .done: "done"
        }
    }
}

extension RolloutPlan.StepKind {
    /// Its hosts in a sentence: "the canaries", "phase 1".
    public var people: String {
        switch self {
        case .canaries, .heldBack: "the \(plainPeople)"
        case .subset, .everybody: plainPeople
        }
    }

    fileprivate var plainPeople: String { self == .heldBack ? "hosts held back" : description }
}
