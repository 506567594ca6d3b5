// Shows how far a fleet is, in one line that fits the terminal. It is a value: events and the time go in, text comes
// out.

import SlotSync

struct FleetProgress {
    /// What the hosts are doing: "staging".
    let verb: String
    let hostCount: Int

    private var scanned: (files: UInt64, bytes: UInt64)?
    private var running: Set<Host> = []
    private var done = 0
    private var failed = 0
    private var planned: UInt64 = 0
    /// Bytes sent so far, at moments of the last seconds: what the rate is computed from.
    private var samples: [(at: ContinuousClock.Instant, sent: UInt64)] = []

    /// How far back the rate looks.
    private static let rateWindow = Duration.seconds(5)

    init(verb: String, hostCount: Int) {
        self.verb = verb
        self.hostCount = hostCount
    }

    mutating func note(_ event: FleetEvent, at now: ContinuousClock.Instant) {
        switch event {
        case .scanning(let files, let bytes): scanned = (files, bytes)
        case .scanned: scanned = nil
        case .hostStarted(let host): running.insert(host)
        case .hostFinished(let host, let result):
            running.remove(host)
            if case .failed = result { failed += 1 } else { done += 1 }
        case .transferred(let sent, let planned):
            self.planned = planned
            samples.append((now, sent))
            // One sample from before the window stays, so that there are always two ends to it.
            while samples.count > 2, samples[1].at < now - Self.rateWindow { samples.removeFirst() }
        case .sourceWarning, .hostWarning: break
        }
    }

    /// The state in at most `width` characters, all of them ASCII.
    func line(width: Int) -> String {
        if let scanned {
            return String(
                "reading the source: \(NumberText.count(scanned.files, "file")), \(byteText(scanned.bytes))".prefix(
                    width))
        }
        // By importance; what does not fit is left out from the end, and the rest stands in reading order.
        var parts: [(rank: Int, text: String)] = [
            (0, "\(verb): \(done) of \(NumberText.count(hostCount, "host")) done")
        ]
        if failed > 0 { parts.append((2, "\(failed) failed")) }
        if !running.isEmpty { parts.append((1, "\(running.count) running")) }
        if let sent = samples.last?.sent, planned > 0 {
            if let left = timeLeft { parts.append((5, "\(TimeText.rounded(max(left, .seconds(1)))) left")) }
            parts.append((3, "\(byteText(sent)) of \(byteText(planned))"))
            if let rate { parts.append((4, "\(byteText(rate))/s")) }
        }
        while true {
            let line = parts.sorted { $0.rank < $1.rank }.map(\.text).joined(separator: ", ")
            if line.count <= width || parts.count == 1 { return String(line.prefix(width)) }
            parts.removeLast()
        }
    }

    /// Bytes a second; nil while there is too little to tell from.
    private var rate: UInt64? {
        guard let first = samples.first, let last = samples.last, last.sent > first.sent else { return nil }
        let seconds = (last.at - first.at) / .seconds(1)
        return seconds >= 0.5 ? UInt64(Double(last.sent - first.sent) / seconds) : nil
    }

    private var timeLeft: Duration? {
        guard let rate, rate > 0, let sent = samples.last?.sent, planned > sent else { return nil }
        return .seconds((planned - sent) / rate)
    }
}
