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

            What others put into a slot is a difference as well, since somebody may have got in. It is a warning where it is to \
            stay: what the slot's stage kept (`stage --keep-foreign`), or everywhere with `--keep-foreign` \
            (or `foreign: keep` in the configuration).

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
            let policy = verify.policy(settled.configuration)
            for (host, found) in report.slots { await reporter.json(found.json(of: host)) }
            for (host, found) in report.slots {
                if let text = found.warning(policy) { await reporter.tell(.hostWarning(host, text)) }
            }
            await reporter.tellNews()
            await reporter.essentialResult(report.slots.flatMap { $0.found.differenceLines(of: $0.host) })
            await reporter.failures(report.allFailures(policy), root: settled.fleet.root)
            if report.slots.isEmpty && report.failures.isEmpty {
                await reporter.problem("no slot holds a release: there is nothing to verify")
                return Conclusion(status: .failed, hosts: settled.fleet.hosts.count, failed: 0)
            }
            await reporter.note(report.summary(policy, duration: reporter.elapsed))
            return report.conclusion(policy, hosts: settled.fleet.hosts.count)
        }
    }
}

struct VerifySettings: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("One slot, by number. (default: all that hold a release)", valueName: "n"),
        transform: ValueForm.number(in: 1...RingStatus.slotCounts.upperBound).option)
    var slot: Int?

    @Flag var foreign: VerifyForeignFlag?

    func policy(_ configuration: Configuration) -> ForeignPolicy {
        switch foreign {
        case .keep: .keep
        case .refuse: .refuse
        case nil: configuration.foreign ?? .remove
        }
    }
}

/// `--keep-foreign`, `--refuse-foreign`.
enum VerifyForeignFlag: String, EnumerableFlag {
    case keep, refuse

    static func help(for value: VerifyForeignFlag) -> ArgumentHelp? {
        switch value {
        case .keep: "What others put into a slot is named, and is no failure."
        case .refuse: "It is one, also where the slot's stage kept it."
        }
    }

    static func name(for value: VerifyForeignFlag) -> NameSpecification {
        .customLong("\(value.rawValue)-foreign")
    }
}

extension HostResults<[SlotVerification]> {
    /// In the fleet's order, and in each host by slot.
    var slots: [(host: Host, found: SlotVerification)] {
        answers.flatMap { host, found in found.map { (host, $0) } }
    }

    /// Hosts that could not be asked, and slots that are not as they were sealed.
    func allFailures(_ policy: ForeignPolicy) -> [HostFailure] {
        failures + slots.compactMap { $0.found.failure(of: $0.host, policy) }
    }

    func conclusion(_ policy: ForeignPolicy, hosts: Int) -> Conclusion {
        let failed = Set(allFailures(policy).map(\.host)).count
        return Conclusion(status: ExitStatus(done: hosts - failed, failed: failed), hosts: hosts, failed: failed)
    }

    func summary(_ policy: ForeignPolicy, duration: Duration) -> String {
        let files = slots.saturatedSum { $0.found.files }
        let bytes = slots.saturatedSum { $0.found.bytes }
        let extent =
            "\(NumberText.count(slots.count, "slot")) on \(NumberText.count(Set(slots.map(\.host)).count, "host")), "
            + "\(NumberText.count(files, "file")), \(byteText(bytes)), in \(TimeText.rounded(duration))"
        guard allFailures(policy).isEmpty else { return "verified \(extent)" }
        let kept = slots.reduce(0) { $0 + $1.found.tolerated(policy) }
        let besides = kept > 0 ? ", but for \(NumberText.count(kept, "entry", plural: "entries")) beside it" : ""
        return "verified \(extent): all is as it was sealed\(besides)"
    }
}

extension SlotVerification {
    func differenceLines(of host: Host) -> [String] {
        let more = differences - lines.count
        return (lines + (more > 0 ? ["and \(NumberText.count(more)) more"] : [])).map {
            "\(host.label): slot \(slot): \($0)"
        }
    }

    /// How many additions are no failure.
    func tolerated(_ policy: ForeignPolicy) -> Int {
        switch policy {
        case .keep: additions
        case .remove: kept
        case .refuse: 0
        }
    }

    func warning(_ policy: ForeignPolicy) -> String? {
        let kept = tolerated(policy)
        guard kept > 0 else { return nil }
        return
            "slot \(slot) (release \(release.short)) holds \(NumberText.count(kept, "entry", plural: "entries")) beside what "
            + "was sealed, which no stage put there and which \(kept == 1 ? "is" : "are") kept"
    }

    fileprivate func failure(of host: Host, _ policy: ForeignPolicy) -> HostFailure? {
        let differences = differences - tolerated(policy)
        guard differences > 0 else { return nil }
        let what =
            "slot \(slot) (release \(release.short)) differs from what was sealed in \(NumberText.count(differences, "place"))"
        let isOfAdditionsAlone = self.differences == additions
        let remedy =
            isOfAdditionsAlone
            ? "all that was sealed is there. What no stage put there may be an intruder's: look at it, move it away, or verify "
                + "with `--keep-foreign` if it is to stay" : "stage a release into it to put it right"
        return HostFailure(host: host, error: SlotSyncError(.verification, "\(what): \(remedy)"))
    }

    fileprivate func json(of host: Host) -> JSONValue {
        [
            "event": "slot", "host": .text(host.label), "slot": .number(slot), "release": .text(release.id),
            "files": .number(files), "bytes": .number(bytes), "differences": .number(differences),
            "additions": .number(additions), "kept": .number(kept),
            "paths": .list(lines.map { .text($0) }),
        ]
    }
}
