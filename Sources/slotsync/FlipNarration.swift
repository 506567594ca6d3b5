// What `flip` and `rollback` say at their end: which release is live where. If the hosts do not agree, it says how to
// make them.

import SlotSync

struct FlipNarration {
    /// `flip` or `rollback`.
    let verb: String
    let root: String
    /// What commands are told to be typed with.
    var words = FleetWords()
    /// The subcommand and what was said of the release, as they were typed.
    var again: [String] = []
    /// Whether who holds a lock has been asked to give way already.
    var isPreempting = false

    /// Watches the operation and tells what came of it.
    func follow(
        _ operation: FleetOperation<FlipReport>, hosts: Int, _ reporter: Reporter
    ) async throws -> Conclusion {
        let report = try await reporter.follow(operation, as: verb, hosts: hosts, tellsHosts: false)
        for (host, outcome) in report.flipped { await reporter.json(of: host, outcome.json(of: host)) }
        for host in report.takenBack {
            await reporter.json(of: host, ["event": "host", "host": .text(host.label), "result": "taken-back"])
        }
        await reporter.result(results(report))
        await reporter.failures(report.failures, root: root)
        for line in problems(report, hosts: hosts) { await reporter.problem(line) }
        if status(report) == .done {
            await reporter.note(
                "\(NumberText.count(report.flipped.count, "host")) in \(TimeText.rounded(reporter.elapsed))")
        }
        return Conclusion(
            status: status(report), release: report.release, hosts: hosts, failed: report.failures.count)
    }

    func status(_ report: FlipReport) -> ExitStatus {
        if report.isMixed || !report.uncertain.isEmpty { return .partlyDone }
        if changesNothing(report) { return .failed }
        if report.failures.isEmpty { return lackingHook(report).isEmpty ? .done : .partlyDone }
        return report.flipped.isEmpty || report.isGivenUp ? .failed : .partlyDone
    }

    /// Whether a rollback has changed nothing anywhere: whoever asked for it is where they were.
    private func changesNothing(_ report: FlipReport) -> Bool {
        verb == "rollback" && !report.endsPreempted
            && !report.flipped.contains { $0.outcome.changed || $0.outcome.hasRunHook }
    }

    /// Hosts where a flip had nothing to do but to run a hook that is owed, and had none.
    private func lackingHook(_ report: FlipReport) -> [Host] {
        verb == "rollback" ? [] : report.flipped.filter(\.outcome.owesHook).map(\.host)
    }

    /// What is live now, a line for all hosts of which the same is to be said.
    func results(_ report: FlipReport) -> [String] {
        folded(
            report.flipped.map { host, outcome in
                let release = "release \(outcome.release.short)"
                guard outcome.changed else {
                    return (
                        host,
                        report.endsPreempted
                            ? "\(release) is live, as before the command that gave way" : "\(release) was live already"
                    )
                }
                let before = outcome.previous.map { "; before it \($0.short)" } ?? ""
                return (host, "\(release) is live, in slot \(outcome.slot)\(before)")
            })
    }

    /// What did not go as it should, beside the reasons of single hosts.
    func problems(_ report: FlipReport, hosts: Int) -> [String] {
        guard !report.failures.isEmpty else {
            if changesNothing(report) {
                let what = report.release.map { "release \($0.short)" } ?? "what was live before"
                let alone =
                    report.returned.isEmpty ? "" : ", since \(fold(report.returned)) had gone back already"
                return ["nothing was rolled back: \(what) is live already, on every host\(alone)"] + waysOn(report)
            }
            let lacking = lackingHook(report)
            return lacking.isEmpty ? [] : ["\(fold(lacking)): the hook that is owed has not run"]
        }
        var lines: [String] = []
        if !report.takenBack.isEmpty {
            lines.append("\(fold(report.takenBack)): flipped, and taken back")
        }
        if !report.uncertain.isEmpty {
            lines.append(
                "\(fold(report.uncertain)): lost after the order to flip had gone out, and may be on either release: "
                    + "`\(words.command("status", on: report.uncertain))` shows it")
        }
        switch status(report) {
        case .failed:
            lines.append(
                "\(verb) given up, since \(report.failures.count) of \(NumberText.count(hosts, "host")) failed: "
                    + "what is live is what it was, on every host")
        case .partlyDone where report.isMixed: lines += mixture(report)
        default:
            lines.append(
                "\(verb) done on \(report.flipped.count) of \(NumberText.count(hosts, "host")), not on "
                    + fold(report.failures.map(\.host)))
        }
        return lines + remedies(report) + (changesNothing(report) ? waysOn(report) : [])
    }

    /// The commands that go further back, where hosts had gone back by themselves and a rollback stopped at that.
    private func waysOn(_ report: FlipReport) -> [String] {
        guard !report.returned.isEmpty else { return [] }
        let ways = Dictionary(grouping: report.flipped) { $0.outcome.previous?.id }
        return ways.compactMap { way, hosts in way.map { ($0, hosts.map(\.host)) } }.sorted { $0.0 < $1.0 }.map {
            let all = $0.1.count == report.flipped.count
            return "to go further back: \(words.command("rollback", "--to", "\($0.0)", on: all ? nil : $0.1))"
        }
    }

    /// For each host that did not go back the command that brings it there, or to what was live there before.
    private func remedies(_ report: FlipReport) -> [String] {
        guard verb == "rollback" else { return [] }
        let locked = Set(report.failures.filter { $0.error.code == .locked }.map(\.host))
        var left = report.failures.map(\.host)
        func take(_ hosts: [Host]) -> [Host] {
            let taken = left.filter(hosts.contains)
            left.removeAll(where: hosts.contains)
            return taken
        }
        func line(_ hosts: [Host], _ command: [String], _ aim: String = "there") -> [String] {
            let (free, held) = (hosts.filter { !locked.contains($0) }, hosts.filter(locked.contains))
            return (free.isEmpty ? [] : ["to bring \(fold(free)) \(aim): \(words.command(command, on: free))"])
                + (held.isEmpty
                    ? []
                    : [
                        isPreempting
                            ? "to bring \(fold(held)) \(aim), when that command has ended: \(words.command(command, on: held))"
                            : "to bring \(fold(held)) \(aim), and have whoever holds the lock give way: "
                                + words.command(command + ["--preempt"], on: held)
                    ])
        }
        // Where nobody went back, each goes where it goes by itself when it is its turn.
        let isMoved = report.release != nil && report.flipped.contains(where: \.outcome.changed)
        let held = isMoved ? [] : line(take(Array(locked)), again, "back")
        guard let release = report.release else { return held }
        let ways = Dictionary(grouping: report.otherWays, by: \.release).sorted { $0.key < $1.key }
        let others = ways.flatMap { way, hosts in
            line(take(hosts.map(\.host)), ["rollback", "--to", "\(way)"], "back to what was live there before")
        }
        let lacking = take(report.withoutRelease)
        let source =
            lacking.isEmpty
            ? []
            : [
                "to bring \(fold(lacking)) there: \(words.command("push", "SOURCE", "--no-canary", on: lacking))",
                "(SOURCE is the tree of release \(release.short))",
            ]
        let there = ["rollback", "--to", "\(release.id)"]
        return held + others + source + line(take(report.badOn), there + ["--force"])
            + line(left.filter { !report.needsMending($0) }, there)
            + line(left.filter(report.needsMending), there, "there, when what is said of it above is mended")
    }

    private func mixture(_ report: FlipReport) -> [String] {
        let changed = report.flipped.filter(\.outcome.changed)
        let release = report.release.map { "\($0.id)" } ?? "RELEASE"
        var lines = [
            "THE HOSTS ARE LEFT ON DIFFERENT RELEASES: the \(verb) was given up and could not be taken back everywhere"
        ]
        lines += folded(changed.map { ($0.host, "is on release \($0.outcome.release.long)") })
        lines.append(
            "all others are on what was live before, or could not be asked: `\(words.command("status"))` shows it")
        lines.append("to go on: \(words.command("flip", release))")
        for (previous, group) in Dictionary(grouping: changed, by: \.outcome.previous).sorted(by: { "\($0)" < "\($1)" })
        {
            guard let previous else { continue }
            lines.append("to go back: \(words.command("rollback", "--to", "\(previous.id)", on: group.map(\.host)))")
        }
        return lines
    }

    private func fold(_ hosts: [Host]) -> String { HostList.fold(hosts.map(\.label)) }
}

extension FlipReport {
    /// Whether a host's own system did not let it switch, or its slot is lost or hidden, so that no command helps before that
    /// is mended.
    fileprivate func needsMending(_ host: Host) -> Bool {
        failures.contains { $0.host == host && [.system, .diskFull, .notReady].contains($0.error.code) }
    }
}
