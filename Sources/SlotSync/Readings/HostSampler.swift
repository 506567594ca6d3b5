// Reads a host's sources, one sample after the other, each in bounded time. The agent has one in a session that
// watches. The first interval of what is counted between two readings begins when the sampler is made.

import SystemPackage

/// The sources of a host, ready to be read. One user at a time.
final class HostSampler {
    private enum Reader {
        case loadAverage, cpu
        /// One of the patterns of the log at a path.
        case log(path: String, pattern: Int)
        case command(HostCommand)
        /// It cannot be read in this session.
        case unusable(String)
    }

    /// For each source, why it could not be set up; nil where it was. What may come right, such as a log that is not
    /// there yet, is tried again with each sample.
    let problems: [String?]

    private let samplingTime: Duration
    private let readers: [Reader]
    private let logs: [(path: String, reader: any LogSource)]
    private var processorCourse: ProcessorCourse

    /// - Parameters:
    ///   - refused: sources that are not to be read, by their index, and why.
    ///   - interval: from one sample to the next.
    init(_ sources: [HostSource], refused: [Int: String] = [:], interval: Duration) {
        samplingTime = ReadingLimits.samplingTime(interval: interval)
        processorCourse = ProcessorCourse(shortest: ReadingLimits.shortestProcessorTime(interval: interval))
        var patterns: [String: [LinePattern]] = [:]
        var paths: [String] = []
        let readers = sources.enumerated().map { index, source -> Reader in
            if let reason = refused[index] { return .unusable(reason) }
            do throws(SlotSyncError) {
                try source.check()
                switch source {
                case .loadAverage: return .loadAverage
                case .cpu: return .cpu
                case .command(let command): return .command(HostCommand(command))
                case .log(let path, let pattern):
                    if patterns[path] == nil { paths.append(path) }
                    patterns[path, default: []].append(try LinePattern(pattern))
                    return .log(path: path, pattern: patterns[path, default: []].count - 1)
                }
            } catch { return .unusable("\(error)") }
        }
        self.readers = readers
        logs = paths.map { path in
            let patterns = patterns[path] ?? []
            return (
                path,
                LogPath.isPattern(path)
                    ? LogSeries(path: path, patterns: patterns) : LogReader(path: path, patterns: patterns)
            )
        }
        var logProblems: [String: String] = [:]
        for (path, reader) in logs {
            do throws(SlotSyncError) { try reader.begin() } catch { logProblems[path] = "\(error)" }
        }
        let (times, cpuProblem) = Self.readProcessorTimes()
        if let times { _ = processorCourse.share(until: times, at: .now) }
        problems = readers.map { reader in
            switch reader {
            case .loadAverage, .command: nil
            case .cpu: cpuProblem
            case .log(let path, _): logProblems[path]
            case .unusable(let reason): reason
            }
        }
    }

    /// Reads all sources. Commands run beside each other, and while the logs are read.
    func sample() -> HostReadings {
        let deadline = ContinuousClock.now + samplingTime
        for case .command(let command) in readers { command.start() }
        let cpu = cpuOutcome()
        let logOutcomes = readLogs(until: deadline)
        return HostReadings(
            readers.map { reader in
                switch reader {
                case .loadAverage: loadOutcome()
                case .cpu: cpu
                case .log(let path, let pattern): logOutcomes[path]?[pattern] ?? .missing("the log was not read")
                case .command(let command): command.outcome(by: deadline, limit: samplingTime)
                case .unusable(let reason): .missing(reason)
                }
            })
    }

    /// What a person should know of the sources and was not told yet.
    func takeNews() -> [String] { logs.flatMap { $0.reader.takeNews() } }

    /// Each log gets its share of the time that is left, so that one that is written too fast does not starve the
    /// others.
    private func readLogs(until deadline: ContinuousClock.Instant) -> [String: [HostReadings.Outcome]] {
        var outcomes: [String: [HostReadings.Outcome]] = [:]
        for (index, log) in logs.enumerated() {
            let now = ContinuousClock.now
            let left = max(.zero, now.duration(to: deadline))
            outcomes[log.path] = log.reader.read(until: now + left / (logs.count - index))
        }
        return outcomes
    }

    private func loadOutcome() -> HostReadings.Outcome {
        do throws(SlotSyncError) {
            guard let load = loadAverage(try procText("/proc/loadavg")) else {
                return .missing("/proc/loadavg does not begin with a number")
            }
            return .read([HostReading(value: load)])
        } catch { return .missing("\(error)") }
    }

    private func cpuOutcome() -> HostReadings.Outcome {
        let (times, problem) = Self.readProcessorTimes()
        guard let times else { return .missing(problem ?? "") }
        return switch processorCourse.share(until: times, at: .now) {
        case .success(let share): .read([HostReading(value: share)])
        case .failure(let gap): .missing(gap.rawValue)
        }
    }

    private static func readProcessorTimes() -> (ProcessorTimes?, problem: String?) {
        do throws(SlotSyncError) {
            if let times = ProcessorTimes(stat: try procText("/proc/stat")) { return (times, nil) }
            return (nil, "/proc/stat does not begin with the times of all processors")
        } catch { return (nil, "\(error)") }
    }
}
