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
        let watch = SignalWatch(atMost: 2) { _ in
            push.interrupt()
            Task { await self.noteInterruption() }
        }
        defer { watch.end() }
        let running = Task { try await push.run() }
        var view = PushView(narration, showsUnicode: Console.showsUnicode)
        let ticker = Task { await tick() }
        for await event in push.events {
            view.note(event)
            liveView = view.lines
            liveLine = view.plainLine
            switch event {
            // More hosts may have the same to say.
            case .staging, .progress, .warning: break
            default: tellNews()
            }
            switch event {
            case .staging(let event): tell(event)
            case .warning(let hosts, let text) where !hosts.isEmpty:
                if let value = narration.json(event) { json(value) }
                for host in hosts { gather((host, "warning: \(text)")) }
            case .staged(let report): staged(report)
            default:
                if let value = narration.json(event) { json(value) }
                if let line = narration.line(event, isVerbose: options.verbose) {
                    switch event {
                    case .waiting: problem(line)
                    case .warning: warning(line)
                    default: note(line)
                    }
                }
            }
            if case .question(let question) = event { ask(question, of: push, answersYes: answersYes) }
            redraw()
        }
        ticker.cancel()
        (liveView, liveLine) = (nil, nil)
        console.erase()
        tellNews()
        tellDroppedLogins()
        return try await running.value
    }

    private func noteInterruption() {
        noteInterruption(
            isInterrupted
                ? "interrupted again: stopping at once"
                : "interrupted: ending in good order; once more to stop")
    }

    // MARK: Questions

    /// Whether somebody who sits at a terminal sees a question and can answer it.
    static var canAsk: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 && isInForeground }

    /// Whoever reads the terminal in the background is stopped.
    private static var isInForeground: Bool { tcgetpgrp(STDIN_FILENO) == getpgrp() }

    private func ask(_ question: String, of push: Push, answersYes: Bool) {
        guard !answersYes else {
            problem("\(question) yes (--yes)")
            return push.answer(true)
        }
        guard Self.isInForeground else {
            problem("\(question) no (in the background nobody can be asked)")
            return push.answer(false)
        }
        // What was typed before it was asked is no answer to it.
        tcflush(STDIN_FILENO, TCIFLUSH)
        console.ask("\(question) [y/N]")
        DispatchQueue.global().async {
            // At the end of the input nobody ended the line.
            let line = readLine(strippingNewline: false)
            let answer = (line ?? "").lowercased().filter { !$0.isWhitespace }
            Task { await self.noteAnswer(isLineEnded: line?.last == "\n") }
            push.answer(answer == "y" || answer == "yes")
        }
    }

    private func noteAnswer(isLineEnded: Bool) { if isLineEnded { console.noteAnswer() } }
}

/// What the live view shows of a push: its parts, and the metrics. A value: events go in, lines come out.
struct PushView {
    private let narration: PushNarration
    private let showsUnicode: Bool
    private var view: LiveLines
    /// The part under way.
    private var index = 0
    private var staging: FleetProgress?
    private var doing = ""
    private var isGoingBack = false
    private var flipped = 0
    private var phaseEnd: ContinuousClock.Instant?

    init(_ narration: PushNarration, showsUnicode: Bool) {
        self.narration = narration
        self.showsUnicode = showsUnicode
        view = LiveLines(phases: narration.plan.parts.map { LiveLines.Phase(name: "\($0)", state: .ahead) })
        staging = FleetProgress(verb: "staging", hostCount: narration.plan.hosts.count, readsSource: true)
    }

    mutating func note(_ event: PushEvent) {
        switch event {
        case .staging(let event): staging?.note(event, at: .now)
        case .staged: staging = nil
        case .phase(let phase): begin(phase)
        case .progress(let progress):
            view.metrics = progress.metrics
            view.sides = progress.sides
            flipped = progress.flipped
            phaseEnd = progress.timeLeft.map { .now + .seconds($0) }
        case .detectable, .judged, .warning, .waiting, .question: break
        }
    }

    private mutating func begin(_ phase: Rollout.Phase) {
        if phase != .staging { staging = nil }
        doing = "\(phase)"
        phaseEnd = nil
        guard let name = phase.part.map({ "\($0)" }) else { return }
        if phase == .takingBack {
            isGoingBack = true
            view.phases.removeSubrange(min(index + 1, view.phases.count)...)
            if !view.phases.isEmpty { view.phases[view.phases.count - 1].state = .failed }
            view.phases.append(LiveLines.Phase(name: name, state: .running))
            index = view.phases.count - 1
        } else if let next = view.phases.firstIndex(where: { $0.name == name }) {
            for before in 0..<next where view.phases[before].state != .failed { view.phases[before].state = .done }
            view.phases[next].state = .running
            index = next
        }
    }

    /// What is being done, in a line for people who read lines, at the moment it is asked for.
    var plainLine: @Sendable () -> String {
        { [self] in
            let left = phaseEnd.map { ", \(TimeText.rounded(max(($0 - .now), .zero))) left" } ?? ""
            return detail(width: .max) + left
        }
    }

    private func detail(width: Int) -> String {
        let hosts = NumberText.count(narration.plan.hosts.count, "host")
        return staging?.line(width: width) ?? (isGoingBack ? doing : "\(doing): \(flipped) of \(hosts) flipped")
    }

    /// The lines for a terminal with so much room, at the moment they are asked for.
    var lines: @Sendable (_ width: Int, _ height: Int) -> [String] {
        { [self] width, height in
            var view = view
            view.timeLeft = phaseEnd.map { max(($0 - .now) / .seconds(1), 0) }
            view.detail = detail(width: width - 2)
            return view.lines(width: width, height: height, style: showsUnicode ? .blocks : .ascii)
        }
    }
}
