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
    private let logs: HostLogs
    private var news: [String] = []
    private var processorCourse: ProcessorCourse

    /// - Parameters:
    ///   - refused: sources that are not to be read, by their index, and why.
    ///   - interval: from one sample to the next.
    init(_ sources: [HostSource], refused: [Int: String] = [:], interval: Duration) {
        samplingTime = ReadingLimits.samplingTime(interval: interval)
        processorCourse = ProcessorCourse(shortest: ReadingLimits.shortestProcessorTime(interval: interval))
        var patterns: [String: [String]] = [:]
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
                    patterns[path, default: []].append(pattern)
                    return .log(path: path, pattern: patterns[path, default: []].count - 1)
                }
            } catch { return .unusable("\(error)") }
        }
        self.readers = readers
        logs = HostLogs(paths.map { ($0, patterns[$0] ?? []) })
        let logProblems = logs.begin()
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
    ///
    /// - Parameter isOver: asked now and then; true: somebody has something else to do, and what is not there yet is missing.
    func sample(unless isOver: () -> Bool = { false }) -> HostReadings {
        let deadline = ContinuousClock.now + samplingTime
        for case .command(let command) in readers { command.start() }
        let cpu = cpuOutcome()
        let reading = logs.read(until: deadline, unless: isOver)
        news += reading.news
        return HostReadings(
            readers.map { reader in
                switch reader {
                case .loadAverage: return loadOutcome()
                case .cpu: return cpu
                case .log(let path, let pattern):
                    let outcomes = reading.outcomes[path] ?? []
                    return outcomes.indices.contains(pattern) ? outcomes[pattern] : .missing(HostLogs.isLate(path))
                case .command(let command): return command.outcome(by: deadline, limit: samplingTime, unless: isOver)
                case .unusable(let reason): return .missing(reason)
                }
            })
    }

    /// What a person should know of the sources and was not told yet.
    func takeNews() -> [String] {
        defer { news = [] }
        return news
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
