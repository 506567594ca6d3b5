// How far a fleet is, in one line that fits the terminal, or one a minute where there is none. A value: events and the
// time go in, text comes out.

import SlotSync

struct FleetProgress {
    /// What the hosts are doing: "staging".
    let verb: String
    let hostCount: Int

    /// The source, before hosts can be told what to do.
    private enum Source {
        case none
        case reading(files: UInt64, bytes: UInt64)
    }

    private var source = Source.none
    private var running: Set<Host> = []
    private var done = 0
    private var failed: Set<Host> = []
    private var filled: StageProgress?
    /// The hook that runs on a host.
    private var hooks: [Host: String] = [:]
    /// How far all was, at moments of the last seconds: what the rate and the time left are computed from.
    private var samples: [(at: ContinuousClock.Instant, made: UInt64, share: Double)] = []

    /// How far back these look.
    private static let rateWindow = Duration.seconds(10)

    /// - Parameter readsSource: whether a source is read first.
    init(verb: String, hostCount: Int, readsSource: Bool = false) {
        self.verb = verb
        self.hostCount = hostCount
        if readsSource { source = .reading(files: 0, bytes: 0) }
    }

    mutating func note(_ event: FleetEvent, at now: ContinuousClock.Instant) {
        switch event {
        case .scanning(let files, let bytes): source = .reading(files: files, bytes: bytes)
        case .scanned: source = .none
        case .hostStarted(let host):
            running.insert(host)
            // A flip that waited for a lock begins anew.
            failed.remove(host)
        case .hostFinished(let host, let result):
            running.remove(host)
            hooks[host] = nil
            if case .failed = result { failed.insert(host) } else { done += 1 }
        case .filled(let progress):
            filled = progress
            samples.append((now, progress.made, progress.share))
            // One sample from before the window stays, so that there are always two ends to it.
            while samples.count > 2, samples[1].at < now - Self.rateWindow { samples.removeFirst() }
        case .hookAwaited(let host, let hook): hooks[host] = hook
        case .sourceWarning, .hostWarning, .loginDropped, .loginSlow, .lockAwaited, .wayAsked, .wayMade, .transferred:
            break
        }
    }

    /// What is waited for beside the hosts themselves: "after_flip on 3 hosts"; nil: no hook runs.
    ///
    /// - Parameter isEnding: whether the operation ends, and waits only for what is not given up half-way.
    func hooksAwaited(isEnding: Bool) -> String? {
        let names = hooks.values.filter { !isEnding || $0 != "before_flip" }
        let counts = Dictionary(grouping: names) { $0 }.mapValues(\.count).sorted { $0.key < $1.key }
        guard !counts.isEmpty else { return nil }
        return counts.map { "\($0.key) on \(NumberText.count($0.value, "host"))" }.joined(separator: ", ")
    }

    /// The state in at most `width` characters, all of them ASCII.
    func line(width: Int) -> String {
        if case .reading(let files, let bytes) = source {
            let soFar = files == 0 ? "" : ": \(NumberText.count(files, "file")), \(byteText(bytes))"
            return String("reading the source\(soFar)".prefix(width))
        }
        // By importance; what does not fit is left out, and the rest stands in reading order.
        var parts: [(rank: Int, text: String)] = []
        if let filled, filled.heard > 0 { parts.append((3, "\(Int(share(filled) * 100)) %")) }
        if !failed.isEmpty { parts.append((2, "\(failed.count) failed")) }
        if let filled, filled.heard > 0, filled.planned != 0 {
            parts.append((4, byteText(filled.made) + (filled.planned.map { " of \(byteText($0))" } ?? "")))
        }
        if let left = timeLeft { parts.append((6, "\(TimeText.rounded(max(left, .seconds(1)))) left")) }
        if !running.isEmpty {
            // Hosts look at their slots before anything moves.
            let isLooking = filled.map { $0.heard == 0 && done + failed.count == 0 } ?? false
            parts.append((1, isLooking ? "\(running.count) looking at what they have" : "\(running.count) running"))
        }
        if let awaited = hooksAwaited(isEnding: false) { parts.append((1, "waiting for \(awaited)")) }
        if let rate { parts.append((5, "\(byteText(rate))/s")) }
        var shown = [(rank: 0, text: "\(verb): \(done) of \(NumberText.count(hostCount, "host")) done")]
        var room = width - shown[0].text.count
        for part in parts where part.text.count + 2 <= room {
            shown.append(part)
            room -= part.text.count + 2
        }
        return String(shown.sorted { $0.rank < $1.rank }.map(\.text).joined(separator: ", ").prefix(width))
    }

    /// Hosts may have ended since the last look.
    private func share(_ filled: StageProgress) -> Double {
        hostCount > 0 ? max(filled.share, Double(done + failed.count) / Double(hostCount)) : 1
    }

    /// Seconds that the samples span, where that is enough to tell from.
    private var span: Double? {
        guard let first = samples.first, let last = samples.last else { return nil }
        let seconds = (last.at - first.at) / .seconds(1)
        return seconds >= 0.5 ? seconds : nil
    }

    /// Bytes a second; nil while there is too little to tell from.
    private var rate: UInt64? {
        guard let span, let first = samples.first, let last = samples.last, last.made > first.made else { return nil }
        return UInt64(exactly: (Double(last.made - first.made) / span).rounded())
    }

    private var timeLeft: Duration? {
        guard let span, let first = samples.first, let last = samples.last, last.share < 1, last.share > first.share
        else { return nil }
        let seconds = (1 - last.share) * span / (last.share - first.share)
        // What is that slow is no time to tell.
        return seconds < 1e6 ? .seconds(Int(seconds)) : nil
    }
}

/// When a command without a terminal says how far it is: every minute, and nothing if it ends before.
struct MinuteLines {
    static let interval = Duration.seconds(60)
    private var last: ContinuousClock.Instant

    init(from start: ContinuousClock.Instant) { last = start }

    /// Whether a line is due now; then the next is a minute later.
    mutating func isDue(at now: ContinuousClock.Instant) -> Bool {
        guard now - last >= Self.interval else { return false }
        last = now
        return true
    }
}
