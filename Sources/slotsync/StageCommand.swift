// `slotsync stage`: copies a tree into the next slot of every host. No release becomes live.

import ArgumentParser
import SlotSync
import SystemPackage

struct StageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stage",
        abstract: "Copy a tree into the next slot of every host.",
        discussion: """
            Nothing goes live: that is what `flip` does. Only what no slot of a host has yet crosses the wire, and what is \
            the same for many hosts is encoded once. A stage that was interrupted goes on where it was when it is run again.

            The release ID is the last line on standard output:

              slotsync stage ./site --hosts "web[001-120].example.com" --root /srv/www
              release=$(slotsync stage ./site --name v1.4.2 --exclude .git --quiet)
            """)

    @Argument(
        help: "The folder that is the release.", completion: .directory, transform: ValueForm.folder.option)
    var source: String

    @OptionGroup(title: "Stage options") var stage: StageSettings
    @OptionGroup(title: "Fleet options") var fleet: FleetOptions

    func run() async throws {
        try await fleet.run("stage") { settled, reporter in
            let options = try stage.options(settled.configuration, slots: fleet.slots, config: fleet.config)
            let report = try await reporter.follow(
                settled.fleet.stage(FilePath(source), options: options), as: "staging",
                hosts: settled.fleet.hosts.count, readsSource: true)
            for host in report.hosts { await reporter.json(of: host.host, host.json) }
            await reporter.failures(report.failures, root: settled.fleet.root)
            await reporter.staged(report)
            if !report.hosts.isEmpty { await reporter.essentialResult(["\(report.release.id)"]) }
            return report.conclusion
        }
    }
}
