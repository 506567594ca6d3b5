// `slotsync status`: shows what each host has in its ring.

import ArgumentParser
import SlotSync

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show what each host has.",
        discussion: """
            A row a host: the release that is live, the one that was live before (where `rollback` goes), the one that is \
            ready (where `flip` goes), and the state of each slot. Below the table stand flips that nobody has confirmed yet, what \
            other slots hold, and why slots are bad.

              slotsync status --hosts "web[001-120].example.com" --root /srv/www
              slotsync status --json | jq -r 'select(.event == "host") | [.host, .live] | @tsv'
            """)

    @OptionGroup(title: "Fleet options") var fleet: FleetOptions

    func run() async throws {
        try await fleet.run("status") { settled, reporter in
            let report = try await reporter.follow(
                settled.fleet.status(), as: "asking", hosts: settled.fleet.hosts.count,
                tellsHosts: false)
            for (host, ring) in report.answers { await reporter.json(of: host, json(host, ring)) }
            await reporter.essentialResult(
                StatusTable(report.answers.map { ($0, $1) }, words: settled.fleet.words).lines)
            await reporter.failures(report.failures, root: settled.fleet.root)
            let releases = Set(report.answers.compactMap { $0.answer?.liveRelease?.id })
            return Conclusion(
                status: ExitStatus(done: report.answers.count, failed: report.failures.count),
                // The release that all hosts agree on.
                release: releases.count == 1 && report.failures.isEmpty
                    ? report.answers.first?.answer?.liveRelease : nil,
                hosts: settled.fleet.hosts.count, failed: report.failures.count)
        }
    }

    private func json(_ host: Host, _ ring: RingStatus?) -> JSONValue {
        let slots = (ring?.slots ?? []).enumerated().map { index, slot -> JSONValue in
            [
                "slot": .number(index + 1), "state": .text(slot.state), "release": .text(slot.release?.id),
                "name": .text(slot.release.flatMap { $0.name.isEmpty ? nil : $0.name }),
                "since": slot.since == 0 ? .null : .number(slot.since),
                "reason": slot.reason.isEmpty ? .null : .text(slot.reason),
            ]
        }
        return [
            "event": "host", "host": .text(host.label), "live": .text(ring?.liveRelease?.id),
            "ready": .text(ring?.readyRelease?.id), "previous": .text(ring?.previousRelease?.id),
            "slots": .list(slots), "provision": ring?.provisional.map(\.json) ?? .null,
            "owed_hook": ring.flatMap { $0.isHookRunning ? nil : $0.owedHook }.map(\.json) ?? .null,
            "running_hook": ring.flatMap { $0.isHookRunning ? $0.owedHook : nil }.map(\.json) ?? .null,
            "lock": ring?.lock.map(\.json) ?? .null,
        ]
    }
}

extension RingLock {
    fileprivate var json: JSONValue { ["holder": .text(holder), "since": since == 0 ? .null : .number(since)] }
}

extension ProvisionalFlip {
    fileprivate var json: JSONValue {
        [
            "slot": .number(slot), "from": from.map { .number($0) } ?? .null, "since": .number(since),
            "limit": .seconds(limit),
        ]
    }
}

extension OwedHook {
    fileprivate var json: JSONValue {
        ["hook": .text(kind), "release": .text(release), "since": .number(since)]
    }
}

extension RingStatus {
    /// The release that a rollback goes to.
    var previousRelease: ReleaseName? { previous.flatMap { self[$0].release } }
}
