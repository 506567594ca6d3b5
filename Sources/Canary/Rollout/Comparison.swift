// What the judge is to compare: hosts, and the times of their samples. Rollout makes it; SampleLog cuts the recording
// of it out of the samples. JudgedComparison is what came of it.

/// A part of time, in the seconds of the push.
public struct TimeSpan: Sendable, Hashable {
    public var start: Double
    public var end: Double
}

/// Hosts that were flipped, hosts that were not, and when they were sampled.
public struct Comparison: Sendable, Hashable {
    /// What is compared.
    public enum Kind: Sendable, Hashable {
        /// The base line before anybody is flipped: nothing is compared yet, but looked whether it could be.
        case baseline
        /// The window after the canaries, or a further subset, were flipped: all hosts flipped so far against the others.
        case window(RolloutPlan.StepKind)
        /// The watch of everybody, with hosts held back as controls.
        case watch
        /// The watch without any control: everybody against the own past.
        case guarding

        /// What the hosts on the release are called in it.
        public var flippedName: FlippedName {
            switch self {
            case .baseline, .window(.canaries): .canaries
            case .window, .watch: .flippedHosts
            case .guarding: .allHosts
            }
        }
    }

    /// A host's part.
    public struct Watched: Sendable, Hashable {
        /// Its index in the plan's hosts.
        public var host: Int
        public var role: HostSamples.Role
        /// Its samples from here are the base line: before the first host was flipped, or in a guard before it was flipped
        /// itself.
        public var baseline: TimeSpan
    }

    public var kind: Kind
    public var hosts: [Watched]
    /// From the moment that the last of them was flipped to the end of the window, or of the watch. The settling time is
    /// in it.
    public var after: TimeSpan
    public var settings: JudgeSettings
}
