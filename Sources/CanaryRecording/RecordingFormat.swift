// The bounds of the recorded form, for reader and writer. docs/canary-format.md describes it.

import SlotSync

/// The bounds of a recorded comparison, which is one line of a file.
public enum RecordingFormat {
    /// 5,000 hosts with ten metrics and six minutes of samples take half of it.
    public static let maximumLineLength = 64 << 20
    public static let maximumHosts = 100_000
    public static let maximumMetrics = 1_000
    /// Samples in one series.
    public static let maximumSamples = 100_000
    /// Samples of all hosts and metrics, each series counted as long as the longest before and after the flip: what a
    /// judge lays out in memory.
    public static let maximumCells = 1 << 25
    /// Bytes of the name of a case, a metric or a host.
    public static let maximumNameLength = 1_024
    /// Seconds from one sample to the next, of settling, and of a window.
    public static let longestTime = TimeText.day
    /// The largest weight, and the largest tolerance.
    public static let maximumFactor = 1e6
    /// The form itself is five deep; what is ignored may be deeper.
    static let maximumDepth = 64
}
