// Watches a push: its events become lines, live lines or JSON; signals interrupt it; questions go to the terminal.

import Canary
import Dispatch
import Glibc
import SlotSync

extension Reporter {
    /// Runs a push to its end.
    ///
    /// - Parameter answersYes: whether questions are answered with yes, unasked.
    func follow(_ push: Push, _ narration: PushNarration, answersYes: Bool) async throws -> PushResult {
        let watch = SignalWatch { _ in
            push.interrupt()
            Task { await self.interrupted("interrupted: going back in good order; once more to stop at once") }
        }
        defer { watch.end() }
        let running = Task { try await push.run() }
        progress = FleetProgress(verb: "staging", hostCount: narration.fleet.hosts.count)
        let ticker = drawsLive ? Task { await tick() } : nil
        var view = PushView(narration)
        for await event in push.events {
            if case .staging(let event) = event {
                tell(event)
                continue
            }
            if case .staged(let report) = event {
                progress = nil
                console.erase()
                note(report.summary(duration: elapsed))
            }
            if let json = narration.json(event) { json_(json) }
            if let line = narration.line(event, isVerbose: options.verbose) { note(line) }
            view.note(event)
            if case .question(let question) = event { ask(question, of: push, answersYes: answersYes) }
            liveView = view.lines
            redraw()
        }
        ticker?.cancel()
        progress = nil
        liveView = nil
        console.erase()
        return try await running.value
    }

    private func json_(_ value: JSONValue) { json(value) }

    private func ask(_ question: String, of push: Push, answersYes: Bool) {
        console.erase()
        guard !answersYes else {
            note("\(question) yes (--yes)")
            return push.answer(true)
        }
        problem("\(question) [y/N]")
        DispatchQueue.global().async {
            let answer = readLine()?.lowercased() ?? ""
            push.answer(answer == "y" || answer == "yes")
        }
    }
}

/// What the live view shows of a push: phases so far, and the metrics of the one under way.
struct PushView {
    private let narration: PushNarration
    private var phases: [LiveLines.Phase] = []
    private var metrics: [LiveLines.MetricLine] = []
    private var timeLeft: Double?
    private var noted = ContinuousClock.now
    private var detail = ""

    init(_ narration: PushNarration) { self.narration = narration }

    mutating func note(_ event: PushEvent) {
        switch event {
        case .phase(let phase):
            if !phases.isEmpty { phases[phases.count - 1].state = .done }
            phases.append(LiveLines.Phase(name: narration.name(phase), state: .running))
            (metrics, timeLeft, detail) = ([], nil, "")
            if phase == .baseline { begin(narration.options.canary.baseline) }
        case .progress(let progress):
            metrics = progress.metrics
            detail = "\(progress.flipped) of \(counted(progress.hosts, "host")) flipped"
            if let left = progress.timeLeft { begin(left) }
        case .staging, .staged, .judged, .warning, .question: break
        }
    }

    private mutating func begin(_ seconds: Double) {
        timeLeft = seconds
        noted = .now
    }

    /// The lines for a terminal of this width, at the moment they are asked for.
    var lines: @Sendable (Int) -> [String] {
        let (phases, metrics, timeLeft, noted, detail) = (phases, metrics, timeLeft, noted, detail)
        return { width in
            let left = timeLeft.map { max($0 - (ContinuousClock.now - noted) / .seconds(1), 0) }
            return LiveLines(phases: phases, timeLeft: left, detail: detail, metrics: metrics).lines(width: width)
        }
    }
}
