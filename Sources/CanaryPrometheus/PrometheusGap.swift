// Why a sample from Prometheus did not come. A gap is never a zero: for the judge the sample is missing, and people are
// told the reason once.

import Canary

/// The reason for a missing sample.
public struct PrometheusGap: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of reason it is.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// No answer: no connection, no such name, a certificate that does not verify.
        case unreachable
        /// The server took longer than it had.
        case timedOut = "timed-out"
        /// The server answered with an error: the query is wrong, or cannot be computed.
        case refused
        /// What came is not an answer of Prometheus's HTTP API, or is larger than any answer may be.
        case malformed
        /// The query has no result for this host.
        case noSeries = "no-series"
        /// It has several results for this host.
        case severalSeries = "several-series"
        /// Its result is NaN, infinite, or no number.
        case notANumber = "not-a-number"
        /// A running total without the total before it, or one that began anew.
        case noDifference = "no-difference"
        /// Whoever asked did not wait for the answer.
        case cancelled
    }

    public var kind: Kind
    /// One line: what is wrong, and what to do about it.
    public var message: String

    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    public var description: String { message }
}

/// What a metric is on one host at one moment, with the kind of what is missing.
enum PrometheusReading: Sendable, Hashable {
    /// A finite number.
    case value(Double)
    case missing(PrometheusGap)

    /// The number as samples have it: NaN where it is missing.
    var sample: Double {
        guard case .value(let value) = self else { return .nan }
        return value
    }

    /// As the push takes it.
    var shared: MetricReading {
        switch self {
        case .value(let value): .value(value)
        case .missing(let gap): .missing(gap.message)
        }
    }
}
