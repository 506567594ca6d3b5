// The logs that one host reads, on a thread of their own: neither a pattern that takes long nor a log on a dead disk holds
// up the other readings, or a host that has to go back. HostSampler has one.

import Synchronization

/// The logs of one sampler. One user at a time.
final class HostLogs {
    /// What one reading gave, by the logs' paths.
    struct Reading: Sendable {
        var outcomes: [String: [HostReadings.Outcome]] = [:]
        var news: [String] = []
    }

    /// Held by the thread that reads.
    private final class Logs: Sendable {
        let readers: Mutex<[(path: String, reader: any LogSource)]>

        init(_ patterns: [(path: String, patterns: [String])]) {
            readers = Mutex(
                patterns.map { path, patterns in
                    // Each was compiled before.
                    let patterns = patterns.compactMap { try? LinePattern($0) }
                    let reader: any LogSource =
                        LogPath.isPattern(path)
                        ? LogSeries(path: path, patterns: patterns) : LogReader(path: path, patterns: patterns)
                    return (path, reader)
                })
        }

        func begin() -> [String: String] {
            readers.withLock { readers in
                var problems: [String: String] = [:]
                for (path, reader) in readers {
                    do throws(SlotSyncError) { try reader.begin() } catch { problems[path] = "\(error)" }
                }
                return problems
            }
        }

        /// Each log gets its share of the time that is left, so that one that is written too fast does not starve the
        /// others.
        func read(until deadline: ContinuousClock.Instant) -> Reading {
            readers.withLock { readers in
                var reading = Reading()
                for (index, log) in readers.enumerated() {
                    let now = ContinuousClock.now
                    let left = max(.zero, now.duration(to: deadline))
                    reading.outcomes[log.path] = log.reader.read(until: now + left / (readers.count - index))
                    reading.news += log.reader.takeNews()
                }
                return reading
            }
        }
    }

    private let logs: Logs
    private let paths: [String]
    private let beginning = DetachedWork<[String: String]>()
    private let work = DetachedWork<Reading>()

    /// - Parameter patterns: for each path its patterns, which are known to be good.
    init(_ patterns: [(path: String, patterns: [String])]) {
        logs = Logs(patterns)
        paths = patterns.map(\.path)
    }

    /// Sets the starting points.
    ///
    /// - Returns: why logs cannot be read now, by their paths; later they may.
    func begin() -> [String: String] {
        guard !paths.isEmpty else { return [:] }
        let limit = ReadingLimits.longestSampling
        return beginning.perform(until: .now + limit) { [logs] in logs.begin() }
            ?? Dictionary(uniqueKeysWithValues: paths.map { ($0, Self.isLate($0)) })
    }

    /// - Parameters:
    ///   - deadline: what is not read by then is left to the next reading.
    ///   - isOver: asked now and then; true: nothing is waited for any more.
    func read(until deadline: ContinuousClock.Instant, unless isOver: () -> Bool) -> Reading {
        guard !paths.isEmpty else { return Reading() }
        let reading = work.perform(until: deadline + ReadingLimits.patience, unless: isOver) { [logs] in
            logs.read(until: deadline)
        }
        return reading ?? Reading(outcomes: Dictionary(uniqueKeysWithValues: paths.map { ($0, []) }))
    }

    static func isLate(_ path: String) -> String {
        "the log \(quoted(path)), or another one, takes too long to read: does a disk or a server hang, or can a pattern be "
            + "made simpler?"
    }
}
