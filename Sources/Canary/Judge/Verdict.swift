// What a judge says of a push. The rest of this module (metric sources, samples, the judge, the rollout)
// will be built around it.

/// The outcome of comparing canaries with controls.
public enum Verdict: String, Sendable, Hashable, Codable, CaseIterable {
    /// No metric got significantly worse than the tolerance allows.
    case pass
    /// At least one metric got significantly worse: the release has to go back.
    case regression
    /// There is too little data to tell; never to be taken for a pass.
    case inconclusive
}
