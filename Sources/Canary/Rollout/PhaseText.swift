// The phases and comparisons of a push in a word: for records, `--json` and programs that show a push.

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
        case .preparing(let step): "preparing \(step)"
        case .flipping(let step): "flipping \(step)"
        case .window(let step): "watching \(step)"
        case .asking: "asking"
        case .confirming(let step): "confirming \(step)"
        case .watching: "watch"
        case .takingBack: "taking back"
        case .marking: "marking bad"
        case .done: "done"
        }
    }
}
