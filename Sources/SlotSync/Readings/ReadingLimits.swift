// Every bound of what a host reads of itself, by name. The wire uses the same ones.

enum ReadingLimits {
    // MARK: What is asked for

    static let mostSources = 64
    static let longestPath = 4096
    static let longestPattern = 4096
    static let longestCommand = 16 << 10
    /// From one sample to the next.
    static let intervals = Duration.milliseconds(100)...Duration.seconds(3600)

    // MARK: What is answered

    static let mostReadingsPerSource = 64
    static let longestName = 64
    static let longestReason = 512

    // MARK: What it may cost

    /// A sample is there after half the interval, and after so long in any case: a host that shall go back to the
    /// release before must not wait for a slow command.
    static let longestSampling = Duration.seconds(5)
    static func samplingTime(interval: Duration) -> Duration { min(interval / 2, longestSampling) }

    /// The kernel counts processor time in ticks of 10 ms: over a few of them its share is anything from 0 to 100 %.
    static func shortestProcessorTime(interval: Duration) -> Duration { min(interval / 4, .milliseconds(500)) }

    /// The rest of a line that is longer is not searched.
    static let longestLine = 16 << 10
    /// How many steps the matcher may take from one place of a line, and how many of them may be undecided at a time.
    static let matchLimit: UInt32 = 1 << 16
    /// How much processor time a pattern may take on one line: what is quadratic in a line of some thousand bytes comes through.
    static let longestSearch = Duration.milliseconds(100)
    /// A line that is not longer is searched in one go: the matcher's steps bound that.
    static let shortLine = 256
    /// Of a longer one, so many places are tried at once before the clock is looked at.
    static let placesBetweenLooks = 64
    /// A sample's logs are waited for so much longer than they may take: a line is searched to its end.
    static let patience = Duration.milliseconds(500)
    /// What is read of a log at once, and how long its lines may take beyond the sample's time.
    static let logChunk = 64 << 10
    static let longestChunk = Duration.milliseconds(50)
    /// Files of one log that were rotated away and are not read to their end yet.
    static let mostRotatedFiles = 16
    /// Files that a log with a * in its name may consist of: each is looked at for every sample.
    static let mostFilesOfSeries = 4096

    /// What a command may print, on either of its two streams.
    static let longestOutput = 64 << 10
}
