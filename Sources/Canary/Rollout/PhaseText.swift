// Names the parts, phases and comparisons of a push: in a word for records, reports, `--json` and the live view, and as a
// part of a sentence. Whoever shows a push asks here which part a phase or a comparison belongs to.

/// A part of a push, as people are shown it.
public enum PushPart: Sendable, Hashable, CustomStringConvertible {
    case staging
    case baseline
    /// The hosts of a step get ready, flip, are watched and confirmed.
    case step(RolloutPlan.StepKind)
    case watch
    case wayBack

    public var description: String {
        switch self {
        case .staging: "staging"
        case .baseline: "base line"
        case .step(let step): "\(step)"
        case .watch: "watch"
        case .wayBack: "taking back"
        }
    }
}

extension RolloutPlan {
    /// The parts of the push in the order of time, where nothing ends it early.
    public var parts: [PushPart] {
        var parts: [PushPart] = mode == .unjudged ? [.staging] : [.staging, .baseline]
        for step in steps {
            parts.append(.step(step.kind))
            if step.kind == .everybody, mode == .full { parts.append(.watch) }
        }
        return parts
    }
}

extension RolloutPlan.StepKind: CustomStringConvertible {
    public var description: String {
        switch self {
        case .canaries: "canaries"
        case .subset(let number): "phase \(number)"
        case .everybody: "everybody"
        case .heldBack: "held back"
        }
    }

    /// Its hosts in a sentence: "the canaries", "phase 1".
    public var people: String {
        switch self {
        case .canaries, .heldBack: "the \(plainPeople)"
        case .subset, .everybody: plainPeople
        }
    }

    fileprivate var plainPeople: String { self == .heldBack ? "hosts held back" : description }
}

extension Comparison.Kind: CustomStringConvertible {
    /// The part of the push that it judges.
    public var part: PushPart {
        switch self {
        case .baseline: .baseline
        case .window(let step): .step(step)
        case .watch, .guarding: .watch
        }
    }

    public var description: String { "\(part)" }
}

extension Rollout.Phase: CustomStringConvertible {
    /// The part of the push that it belongs to; nil: whichever is under way.
    public var part: PushPart? {
        switch self {
        case .staging: .staging
        case .baseline: .baseline
        case .preparing(let step), .flipping(let step), .window(let step), .confirming(let step): .step(step)
        case .watching: .watch
        case .takingBack, .marking: .wayBack
        case .asking, .done: nil
        }
    }

    public var description: String { text(\.plainPeople) }

    /// What is done in it, as a part of a sentence: "flipping the canaries".
    public var sentence: String { text(\.people) }

    private func text(_ people: (RolloutPlan.StepKind) -> String) -> String {
        switch self {
        case .preparing(let step): "preparing \(people(step))"
        case .flipping(let step): "flipping \(people(step))"
        case .window(let step): "watching \(people(step))"
        case .confirming(let step): "confirming \(people(step))"
        case .asking: "asking"
        case .marking: "marking as bad"
        case .done: "done"
        case .staging: "\(PushPart.staging)"
        case .baseline: "\(PushPart.baseline)"
        case .watching: "\(PushPart.watch)"
        case .takingBack: "\(PushPart.wayBack)"
        }
    }
}
