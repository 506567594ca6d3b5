// `slotsync install`: copies the agent to the hosts, over ssh.

import ArgumentParser
import SlotSync
import SystemPackage

struct InstallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Put the agent on the hosts, over ssh.",
        discussion: """
            The agent is one static file that needs nothing of its host; `make static` builds it. It is unpacked under \
            another name, tried, and renamed. Where this very program is there already, nothing is done.

              slotsync install --hosts "web[001-120].example.com"

            In ~/.local/bin the other commands find it. With --prefix, they have to be told: --remote-command \
            FOLDER/slotsync-agent.
            """)

    @OptionGroup(title: "Install options") var install: InstallSettings
    @OptionGroup(title: "Fleet options") var fleet: FleetOptions

    func run() async throws {
        try await fleet.run("install", needsRoot: false) { settled, reporter in
            guard settled.fleet.transport.kind == .ssh else {
                throw ValidationError(
                    "install goes over ssh; --transport local starts the agent that is on this machine")
            }
            let agent = try program()
            if !agent.isStatic {
                await reporter.note(
                    "warning: \(agent.path) is not static: it runs only on hosts with Swift's libraries; "
                        + "`make static` builds one that runs everywhere")
            }
            let report = try await reporter.follow(
                settled.fleet.install(agent, folder: install.prefix), as: "installing",
                hosts: settled.fleet.hosts.count)
            for (host, outcome) in report.answers { await reporter.json(of: host, outcome.json(of: host)) }
            await reporter.result(folded(report.answers.map { ($0, $1.text) }))
            await reporter.failures(report.failures, root: settled.fleet.root)
            let hosts = settled.fleet.hosts.count
            return Conclusion(
                status: ExitStatus(done: report.answers.count, failed: report.failures.count), hosts: hosts,
                failed: report.failures.count)
        }
    }

    /// A file that was named and is no agent is a usage error.
    private func program() throws -> AgentProgram {
        guard let path = install.agent else { return try AgentProgram() }
        return try usage("--agent") { () throws(SlotSyncError) in try AgentProgram(path: FilePath(path)) }
    }
}

struct InstallSettings: ParsableArguments {
    @Option(
        help: ArgumentHelp("The folder for the agent on the hosts. (default: ~/.local/bin)", valueName: "folder"),
        transform: ValueForm.text("a folder on the hosts").option)
    var prefix: String?

    @Option(
        help: ArgumentHelp("The agent's file. (default: slotsync-agent beside this command)", valueName: "file"),
        completion: .file(), transform: ValueForm.file.option)
    var agent: String?
}

extension InstallOutcome {
    fileprivate var text: String {
        switch self {
        case .alreadyThere: "slotsync-agent \(SlotSyncVersion.text) was there already"
        case .installed(let path, let before):
            "installed slotsync-agent \(SlotSyncVersion.text) at \(path)"
                + (before.map { ", in place of \($0 == SlotSyncVersion.current ? "another build of it" : $0)" } ?? "")
        }
    }

    fileprivate func json(of host: Host) -> JSONValue {
        switch self {
        case .alreadyThere:
            [
                "event": "host", "host": .text(host.label), "result": "already-there",
                "version": .text(SlotSyncVersion.current),
            ]
        case .installed(let path, let before):
            [
                "event": "host", "host": .text(host.label), "result": "installed", "path": .text(path),
                "version": .text(SlotSyncVersion.current), "before": .text(before),
            ]
        }
    }
}
