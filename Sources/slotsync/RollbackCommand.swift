// `slotsync rollback`: goes back to the release that was live before, on every host that can.

import ArgumentParser
import SlotSync

struct RollbackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Go back to the release that was live before.",
        discussion: """
            Nothing is copied: the release is still in its slot. Every host that can goes back, and those that cannot are named, \
            with the command that helps. The hook after_rollback runs on each; without one, after_flip does.

            With --preempt a push, a flip or a stage that holds the lock is told to give way. A push then takes back what it \
            flipped, and that is all: the release before the push is live, and nothing goes further back.

              slotsync rollback --hosts "web[001-120].example.com" --root /srv/www
              slotsync rollback --to v1.3.9
              slotsync rollback --preempt --message "checkout is down"
            """)

    /// Where `flip` has its release.
    @Argument(help: .hidden) var release: String?

    @OptionGroup(title: "Rollback options") var rollback: RollbackSettings
    @OptionGroup(title: "Fleet options") var fleet: FleetOptions

    func validate() throws {
        guard let release else { return }
        throw ValidationError(
            "rollback takes the release as an option: slotsync rollback --to \(ShellWords.quoted(release))")
    }

    func run() async throws {
        try await fleet.run("rollback", outputCounts: false) { settled, reporter in
            var options = rollback.flip.options(settled.configuration)
            options.preempts = rollback.preempt
            let operation = settled.fleet.rollback(rollback.to.map { .text($0) } ?? .usual, options: options)
            return try await FlipNarration(
                verb: "rollback", root: settled.fleet.root, words: settled.fleet.words,
                again: ["rollback"] + (rollback.to.map { ["--to", $0] } ?? []) + (options.force ? ["--force"] : []),
                isPreempting: options.preempts
            ).follow(
                operation, hosts: settled.fleet.hosts.count, reporter)
        }
    }
}

struct RollbackSettings: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The release to go back to: its ID, the beginning of it (6 digits or more), or its name. (default: what was live before)",
            valueName: "release"), transform: ValueForm.release.option)
    var to: String?

    @Flag(
        help:
            "Ask a command that holds a host's lock to give way, and wait for that as long as --wait says. (default: 1m)"
    )
    var preempt = false

    @OptionGroup var flip: FlipSettings
}
