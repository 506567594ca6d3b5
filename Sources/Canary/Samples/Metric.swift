// What the judge knows about a metric: how its samples are distributed, which direction is bad, and how much it counts.

/// A number that is sampled on every host, and how it is judged.
public struct Metric: Sendable, Hashable {
    /// What one sample is.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// A level: load, CPU, a response time.
        case gauge
        /// How many events there were since the sample before: errors, dies.
        case counter

        /// Whether a sample can be so: finite, and no counter has fewer than 0 events.
        public func isPossible(_ value: Double) -> Bool { value.isFinite && (self == .gauge || value >= 0) }
    }

    /// From when on after a flip it counts.
    public enum Start: String, Sendable, Hashable, CaseIterable {
        /// From the end of the settling time on: what a restart writes is not held against a release.
        case settled
        /// From the flip on: whoever got an error got it. Of counters alone.
        case flip
    }

    /// Which change is a regression.
    public enum Direction: String, Sendable, Hashable, CaseIterable { case higher, lower }

    public var name: String
    public var kind: Kind
    public var worse: Direction
    /// Of a counter, which of its samples after a flip count. A gauge's count from `settled` on, whatever stands here.
    public var start: Start
    /// The relative change below which it never rolls back (0.1: 10 %); nil: the judge's.
    public var tolerance: Double?
    /// Its share of the significance, relative to the other metrics'. Positive.
    public var weight: Double
    /// Whether a regression of this metric alone, on any canary, is looked for beside the test over all canaries.
    public var isCritical: Bool

    public init(
        name: String, kind: Kind, worse: Direction = .higher, from start: Start = .settled, tolerance: Double? = nil,
        weight: Double = 1, isCritical: Bool = false
    ) {
        self.name = name
        self.kind = kind
        self.worse = worse
        self.start = start
        self.tolerance = tolerance
        self.weight = weight
        self.isCritical = isCritical
    }
}
