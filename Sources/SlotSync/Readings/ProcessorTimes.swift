// Load and processor time of the whole host, as the kernel tells them (proc(5)). HostSampler reads the files.

import SystemPackage

/// The first line of /proc/stat: how all processors together spent their time, in ticks since the host was started.
struct ProcessorTimes: Equatable {
    /// user, nice, system, irq, softirq; what guests took is in user and nice.
    var busy: UInt64
    /// idle and iowait: a processor that waits for a disk has nothing to do.
    var idle: UInt64

    /// Steal is in neither. It is time in which another guest had the processor: not this host's work, and no rest
    /// from it either. So a host that has work all the time is at 100 % beside noisy neighbours too, and one at rest
    /// at 0 %.
    init?(stat: some StringProtocol) {
        let fields = stat.prefix { $0 != "\n" }.split(separator: " ")
        guard fields.first == "cpu" else { return nil }
        let ticks = fields.dropFirst().prefix(7).compactMap { UInt64($0) }
        // The time for interrupts came with Linux 2.6.
        guard ticks.count == 7 else { return nil }
        busy = [0, 1, 2, 5, 6].reduce(0) { $0 &+ ticks[$1] }
        idle = ticks[3] &+ ticks[4]
    }

    /// The share of the time since `before` that was spent on work, in percent; nil if none has passed.
    func share(since before: ProcessorTimes) -> Double? {
        // iowait is a guess that the kernel corrects downwards at times.
        let busy = Double(self.busy > before.busy ? self.busy - before.busy : 0)
        let idle = Double(self.idle > before.idle ? self.idle - before.idle : 0)
        return busy + idle > 0 ? 100 * busy / (busy + idle) : nil
    }
}

/// The share of processor time from one reading to the next.
struct ProcessorCourse {
    /// Why there is no share.
    enum Gap: String, Error {
        case first = "there is no reading before this one"
        case tooSoon = "too little time has passed since the reading before"
        case standstill = "no processor time has passed since the reading before"
    }

    /// Over less time than this a few ticks decide; see ``ReadingLimits/shortestProcessorTime(interval:)``.
    let shortest: Duration
    private var before: (times: ProcessorTimes, moment: ContinuousClock.Instant)?

    init(shortest: Duration) { self.shortest = shortest }

    /// The share since the reading before, in percent. Where too little time has passed that one stays, so that the
    /// next share spans this time as well.
    mutating func share(until times: ProcessorTimes, at moment: ContinuousClock.Instant) -> Result<Double, Gap> {
        if let before, moment - before.moment < shortest { return .failure(.tooSoon) }
        defer { before = (times, moment) }
        guard let before else { return .failure(.first) }
        return times.share(since: before.times).map { .success($0) } ?? .failure(.standstill)
    }
}

/// The load average of the last minute, from the text of /proc/loadavg.
func loadAverage(_ text: some StringProtocol) -> Double? {
    text.split(separator: " ").first.flatMap { Double($0) }.flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
}

/// The beginning of a file of /proc, which has what is asked for in its first line.
func procText(_ path: FilePath) throws(SlotSyncError) -> String {
    do {
        let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
        return try file.closeAfter {
            try String(unsafeUninitializedCapacity: 4096) { try file.read(into: UnsafeMutableRawBufferPointer($0)) }
        }
    } catch {
        throw SlotSyncError(.system, "cannot read \(path)", errno: error as? Errno)
    }
}
