// What a host can be asked to read of itself while a release goes live. What the numbers mean, and whether they are
// good, is not for this library to say: modules on top of it do.

/// A source of numbers on a host.
public enum HostSource: Hashable, Sendable {
    /// The load average of the last minute, from /proc/loadavg.
    case loadAverage
    /// The share of processor time spent on work since the reading before, in percent of all processors, from /proc/stat.
    case cpu
    /// How many lines that match were written to a log since the reading before.
    ///
    /// - Parameters:
    ///   - path: an absolute path on the host.
    ///   - pattern: a regular expression as PCRE2 has them; it is looked for in each line by itself.
    case log(path: String, pattern: String)
    /// What a shell command prints: one number, or lines `name value`.
    case command(String)
}

/// A number that a source gave.
public struct HostReading: Hashable, Sendable {
    /// Which of the command's lines it is; empty for a source that gives one number.
    public var name: String
    public var value: Double

    public init(name: String = "", value: Double) {
        self.name = name
        self.value = value
    }
}
