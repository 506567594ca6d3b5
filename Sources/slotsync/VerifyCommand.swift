// `slotsync verify`: reads whole slots again and compares them with what was sealed. Nothing is changed.

import ArgumentParser
import SlotSync

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Read slots again, and compare: bit rot, edits by hand.",
        discussion: """
            Every file is hashed, whatever its times say. Each path that differs from what was sealed is printed, and \
            nothing is changed: a slot is put right when a release is staged into it.

              slotsync verify --hosts "web[001-120].example.com" --root /srv/www
              slotsync verify --slot 2
            """)

    @OptionGroup(title: "Verify options") var verify: VerifySettings
    @OptionGroup(title: "Fleet options") var fleet: FleetOptions

    func run() async throws {
        try await fleet.run("verify") { settled, reporter in
            let report = try await reporter.follow(
                settled.fleet.verify(slot: verify.slot), as: "verifying", hosts: settled.fleet.hosts.count,
                tellsHosts: false)
            for (host, found) in report.slots { await reporter.json(found.json(of: host)) }
            await reporter.essentialResult(report.slots.flatMap { $0.found.differenceLines(of: $0.host) })
            await reporter.failures(report.allFailures, root: settled.fleet.root)
            if report.slots.isEmpty && report.failures.isEmpty {
                await reporter.problem("no slot holds a release: there is nothing to verify")
                return Conclusion(status: .failed, hosts: settled.fleet.hosts.count, failed: 0)
            }
            await reporter.note(report.summary(duration: reporter.elapsed))
            return report.conclusion(hosts: settled.fleet.hosts.count)
        }
    }
}

struct VerifySettings: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("One slot, by number. (default: all that hold a release)", valueName: "n"),
        transform: ValueForm.number(in: 1...RingStatus.slotCounts.upperBound).option)
    var slot: Int?
}

extension HostResults<[SlotVerification]> {
    /// In the fleet's order, and in each host by slot.
    var slots: [(host: Host, found: SlotVerification)] {
        answers.flatMap { host, found in found.map { (host, $0) } }
    }

    /// Hosts that could not be asked, and slots that are not as they were sealed.
    var allFailures: [HostFailure] { failures + slots.compactMap { $0.found.failure(of: $0.host) } }

    func conclusion(hosts: Int) -> Conclusion {
        let failed = Set(allFailures.map(\.host)).count
        return Conclusion(status: ExitStatus(done: hosts - failed, failed: failed), hosts: hosts, failed: failed)
    }

    func summary(duration: Duration) -> String {
        let files = slots.reduce(0) { $0 + $1.found.files }
        let bytes = slots.reduce(0) { $0 + $1.found.bytes }
        let extent =
            "\(NumberText.count(slots.count, "slot")) on \(NumberText.count(Set(slots.map(\.host)).count, "host")), "
            + "\(NumberText.count(files, "file")), \(byteText(bytes)), in \(TimeText.rounded(duration))"
        return "verified \(extent)" + (allFailures.isEmpty ? ": all is as it was sealed" : "")
    }
}

extension SlotVerification {
    func differenceLines(of host: Host) -> [String] {
        let more = differences - lines.count
        return (lines + (more > 0 ? ["and \(NumberText.count(more)) more"] : [])).map {
            "\(host.label): slot \(slot): \($0)"
        }
    }

    fileprivate func failure(of host: Host) -> HostFailure? {
        guard differences > 0 else { return nil }
        let what =
            "slot \(slot) (release \(release.short)) differs from what was sealed in \(NumberText.count(differences, "place"))"
        return HostFailure(
            host: host, error: SlotSyncError(.verification, "\(what): stage a release into it to put it right"))
    }

    fileprivate func json(of host: Host) -> JSONValue {
        [
            "event": "slot", "host": .text(host.label), "slot": .number(slot), "release": .text(release.id),
            "files": .number(files), "bytes": .number(bytes), "differences": .number(differences),
            "paths": .list(lines.map { .text($0) }),
        ]
    }
}
