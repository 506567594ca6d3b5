// What the judge knows about a metric: how its samples are distributed, which direction is bad, and how much it counts.

/// A number that is sampled on every host, and how it is judged.
public struct Metric: Sendable, Hashable {
    /// What one sample is.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// A level: load, CPU, a response time.
        case gauge
        /// How many events there were since the sample before: errors, dies.
        case counter
    }

    /// Which change is a regression.
    public enum Direction: String, Sendable, Hashable, CaseIterable { case higher, lower }

    public var name: String
    public var kind: Kind
    public var worse: Direction
    /// The relative change below which it never rolls back (0.1: 10 %); nil: the judge's.
    public var tolerance: Double?
    /// Its share of the significance, relative to the other metrics'. Positive.
    public var weight: Double
    /// Whether a regression of this metric alone, on any canary, is looked for beside the test over all canaries.
    public var isCritical: Bool

    public init(
        name: String, kind: Kind, worse: Direction = .higher, tolerance: Double? = nil, weight: Double = 1,
        isCritical: Bool = false
    ) {
        self.name = name
        self.kind = kind
        self.worse = worse
        self.tolerance = tolerance
        self.weight = weight
        self.isCritical = isCritical
    }
}
