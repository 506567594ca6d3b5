// `slotsync flip`: makes a staged release live, on every host or on none. FlipNarration says what came of it.

import ArgumentParser
import SlotSync

struct FlipCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flip",
        abstract: "Make a staged release live, on every host or on none.",
        discussion: """
            First every host confirms that it has the release, whole; then all switch, each by one \
            rename(2). If a host fails, those that have switched are taken back, unless --max-failures allows it. \
            Where nothing is ready and one release is live everywhere, there is nothing to do, unless a bad one waits, or one that was staged \
            before the hosts went back: that has to be named. A release that was rolled back and marked as bad is refused, with the reason, \
            and so is one whose content was changed in its slot, unless --force is given.

            The hooks of the configuration run on the hosts: before_flip before any of them switches, after_flip after \
            each did. A host whose after_flip fails is taken back. One that was live already and still lacks its hook gets it.

              slotsync flip --hosts "web[001-120].example.com" --root /srv/www
              slotsync flip v1.4.2 --max-failures 2%
            """)

    @Argument(
        help: ArgumentHelp(
            "The release: its ID, the beginning of it (6 digits or more), or its name. (default: what all hosts have ready)",
            valueName: "release"), transform: ValueForm.release.option)
    var release: String?

    /// Where `rollback` has its release.
    @Option(help: .hidden) var to: String?

    @OptionGroup(title: "Flip options") var flip: FlipSettings
    @OptionGroup(title: "Fleet options") var fleet: FleetOptions

    func validate() throws {
        guard let to else { return }
        throw ValidationError("the release stands alone behind flip: slotsync flip \(ShellWords.quoted(to))")
    }

    func run() async throws {
        try await fleet.run("flip", outputCounts: false) { settled, reporter in
            let operation = settled.fleet.flip(
                release.map { .text($0) } ?? .usual, options: flip.options(settled.configuration))
            return try await FlipNarration(
                verb: "flip", root: settled.fleet.root, words: settled.fleet.words
            ).follow(
                operation, hosts: settled.fleet.hosts.count, reporter)
        }
    }
}

/// What `flip`, `rollback` and `push` have in common.
struct FlipSettings: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How many hosts may fail, or what share of them, before all is taken back (a rollback never is). (default: 0)",
            valueName: "n|n%"),
        transform: ValueForm.portion.option)
    var maxFailures: HostPortion?

    @Flag(
        help: "Flip to a release that is bad, too: one that was rolled back and marked so, or was changed in its slot.")
    var force = false

    func options(_ configuration: Configuration) -> FlipOptions {
        var options = FlipOptions()
        options.maxFailures = maxFailures ?? configuration.maxFailures ?? .none
        options.force = force
        options.hooks = configuration.hooks
        return options
    }
}
