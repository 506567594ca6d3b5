// Tells what happens, in the form that the options ask for: a live line on a terminal, plain lines elsewhere, one JSON
// object a line, or only results and failures. All fleet commands print through it.

import SlotSync

actor Reporter {
    let options: FleetOptions
    private let start = ContinuousClock.now
    var console = Console()
    var progress: FleetProgress?
    /// What stands in the live view in place of the progress, for a terminal with so much room.
    var liveView: (@Sendable (_ width: Int, _ height: Int) -> [String])?
    /// The fleet's root, which sentences about hosts may name.
    private var root = ""
    /// How many logins were dropped and tried again.
    private(set) var droppedLogins = 0
    /// The same in one line, without a terminal.
    var liveLine: (@Sendable () -> String)?
    /// Hosts whose result `--json` has told.
    private var toldHosts: Set<Host> = []
    private(set) var isInterrupted = false
    /// Whether hosts are told of one by one, as they are through.
    private var tellsHosts = true
    /// What hosts are through with or warned of, and was not told yet.
    private var news: [(host: Host, text: String)] = []
    private var warnings: [(host: Host, text: String)] = []
    private var newsTeller: Task<Void, Never>?
    /// How long news wait for hosts that have the same to say.
    private static let gathering = Duration.seconds(2)

    init(_ options: FleetOptions) { self.options = options }

    func noteRoot(_ root: String) { self.root = root }

    var hasLostOutput: Bool { console.hasLostOutput }
    var elapsed: Duration { .now - start }

    // MARK: What commands say

    /// What was asked for, for a person: on standard output, except where that is JSON's or nobody wants it.
    func result(_ lines: [String]) {
        if !options.json, !options.quiet, !lines.isEmpty { console.result(lines) }
    }

    /// What the command is called for, printed under `--quiet` as well.
    func essentialResult(_ lines: [String]) { if !options.json, !lines.isEmpty { console.result(lines) } }

    func json(_ value: JSONValue) { if options.json { console.result(value) } }

    /// One host's result, once.
    func json(of host: Host, _ value: JSONValue) {
        if options.json, toldHosts.insert(host).inserted { console.result(value) }
    }

    /// For people who watch.
    func note(_ line: String) { if !options.quiet, !options.json { console.note(stamped(line)) } }

    /// For everybody.
    func problem(_ line: String) { console.note(stamped(line)) }

    /// What somebody should know who wants to know little: what was lost, say. With `--json` it is told there.
    func warning(_ line: String) { if !options.json { console.note(stamped(line)) } }

    /// A warning for everybody that is about no single host.
    func warn(_ text: String) {
        problem("warning: \(text)")
        json(.warning(text))
    }

    /// What a stage came to, for people who watch.
    func staged(_ report: StageReport) {
        unsent(report)
        note(report.summary(duration: elapsed))
    }

    /// Hosts that were not told of one by one.
    func unsent(_ report: StageReport) {
        if !drawsLive, !options.verbose { for line in report.unsentLines { note(line) } }
    }

    /// Hosts that failed: grouped for people, host by host and grouped for scripts.
    func failures(_ failures: [HostFailure], root: String) {
        for failure in failures { json(of: failure.host, failure.json(options.words)) }
        for var group in FailureGroup.groups(of: failures, root: root) {
            let hosts = failures.map(\.host).filter { group.hosts.contains($0.label) }
            // For a missing one the whole command is told by itself.
            if group.code != .agentMissing { group.reason = options.words.completing(group.reason, on: hosts) }
            problem(group.line)
            json(group.json)
            if group.code == .agentMissing, options.remoteCommand == nil {
                problem("to put it there: \(options.words.command("install", on: hosts))")
            }
        }
    }

    /// What kept the whole command from its work.
    func failure(_ error: any Error) {
        let error = error as? SlotSyncError ?? hostlessError(error)
        if error.code == .cancelled { interrupted() } else { problem("Error: \(error)") }
        json(["event": "error", "hosts": [], "code": .text(error.code.rawValue), "message": .text(error.description)])
    }

    /// What was wrong on the command line or in the configuration.
    func usageError(_ message: String, command: String) {
        problem("Error: \(message)")
        problem("See 'slotsync \(command) --help' for more information.")
        let code = SlotSyncError.Code.badInput.rawValue
        json(["event": "error", "hosts": [], "code": .text(code), "message": .text(message)])
    }

    private func hostlessError(_ error: any Error) -> SlotSyncError {
        error is CancellationError ? SlotSyncError(.cancelled, "interrupted") : SlotSyncError(.system, "\(error)")
    }

    // MARK: While a fleet works

    /// Watches an operation to its end, and lets signals cancel it.
    ///
    /// - Parameters:
    ///   - tellsHosts: whether hosts are told of one by one, as they are through.
    ///   - readsSource: whether the operation begins with reading a source.
    func follow<Report: Sendable>(
        _ operation: FleetOperation<Report>, as verb: String, hosts: Int, tellsHosts: Bool = true,
        readsSource: Bool = false
    ) async throws -> Report {
        self.tellsHosts = tellsHosts
        let watch = SignalWatch { number in
            operation.cancel()
            Task { await self.interrupted(isLast: true) }
        }
        let ticker = Task { await tick() }
        progress = FleetProgress(verb: verb, hostCount: hosts, readsSource: readsSource)
        for await event in operation.events { tell(event) }
        ticker.cancel()
        progress = nil
        console.erase()
        tellNews()
        tellDroppedLogins()
        defer { watch.end() }
        return try await operation.report
    }

    /// Once, at the end: sshd's usual settings drop logins of a large fleet.
    func tellDroppedLogins() {
        guard droppedLogins > 0 else { return }
        note(
            "\(NumberText.count(droppedLogins, "login")) dropped by sshd and tried again: raise MaxStartups there, or give a "
                + "lower --parallel")
    }

    var drawsLive: Bool {
        !isInterrupted && !options.quiet && !options.verbose && Console.canDraw
            && !(options.json && Console.isResultOnTerminal)
    }

    func tell(_ event: FleetEvent) {
        progress?.note(event, at: .now)
        if case .loginDropped = event { droppedLogins += 1 }
        if let json = event.json(options.words) { self.json(json) }
        if case .hostFinished(let host, .staged(let staged)) = event { json(of: host, staged.json) }
        let isLive = drawsLive
        if let line = event.warningLine { warning(line) }
        if !isLive, let line = event.plainLine { note(line) }
        if let line = event.hostWarning { gather(line, isWarning: true) }
        if let line = event.wait { gather(line) }
        if isLive { return redraw() }
        if let line = event.hostLine(isVerbose: options.verbose, tellsHosts: tellsHosts) { gather(line) }
    }

    /// Keeps what is to be said of a host for a moment, since others may have the same to say.
    func gather(_ line: (host: Host, text: String), isWarning: Bool = false) {
        if isWarning { warnings.append(line) } else { news.append(line) }
        if options.verbose { return tellNews() }
        newsTeller =
            newsTeller
            ?? Task {
                try? await Task.sleep(for: Self.gathering)
                if !Task.isCancelled { tellNews() }
            }
    }

    /// What hosts are through with or warned of, said once for all that have the same to say.
    func tellNews() {
        newsTeller?.cancel()
        newsTeller = nil
        for line in foldedByKind(warnings, root: root, words: options.words) { warning(line) }
        for line in foldedByKind(news, root: root, words: options.words) { note(line) }
        (warnings, news) = ([], [])
    }

    /// Keeps the line moving while nothing happens; where none is drawn, says every minute how far all is.
    func tick() async {
        var minutes = MinuteLines(from: .now)
        while !Task.isCancelled {
            redraw()
            if !drawsLive, minutes.isDue(at: .now), let line = progressLine { note(line) }
            try? await Task.sleep(for: .milliseconds(250))
        }
    }

    /// How far all is, for people who read lines; nil: nothing is under way.
    private var progressLine: String? {
        progress?.line(width: .max) ?? liveLine?()
    }

    func redraw() {
        guard drawsLive else { return }
        let room = Console.room
        if let liveView {
            console.draw(liveView(room.width, room.height), at: .now)
        } else if let progress {
            console.draw([progress.line(width: room.width)], at: .now)
        }
    }

    /// - Parameter isLast: whether the next signal ends the program, and leaves what it waits for.
    func interrupted(isLast: Bool = false) {
        guard !isInterrupted else { return }
        let awaited = isLast ? progress?.hooksAwaited(isEnding: true) : nil
        noteInterruption(
            awaited.map { "interrupted: waiting for \($0); again to leave them" } ?? "interrupted")
    }

    func noteInterruption(_ how: String) {
        isInterrupted = true
        // The next signal may end the program at once, and must find a clean line.
        console.erase()
        problem(how)
    }

    private func stamped(_ line: String) -> String {
        guard options.verbose else { return line }
        let seconds = DecimalNumber(significand: UInt64(elapsed.wholeMilliseconds), exponent: -3)
        return "[\(seconds.fixed(places: 3))] \(line)"
    }
}
