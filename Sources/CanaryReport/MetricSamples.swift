// All that a push sampled of a metric, as a report draws it. Made of the push's SampleLog when the push has ended.

public import Canary

/// What was sampled of one metric.
public struct MetricSamples: Sendable, Equatable {
    public var metric: Metric
    /// What a gauge is measured in: "ms"; empty: unknown. Counters are shown as events a minute.
    public var unit: String
    /// When samples were taken, ascending: seconds after the canaries' flip, negative before it.
    public var times: [Double]
    /// For each host of the report, in its order, one sample a time. NaN is missing, and so is what a shorter or
    /// empty series lacks.
    public var values: [[Double]]

    public init(metric: Metric, unit: String = "", times: [Double], values: [[Double]]) {
        self.metric = metric
        self.unit = unit
        self.times = times
        self.values = values
    }
}
