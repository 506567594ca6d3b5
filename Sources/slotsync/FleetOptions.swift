// The options that every fleet command has. Together with the configuration file they make a Fleet; the command line
// wins. A value that cannot be used is a usage error that names the option and the value.

import ArgumentParser
import SlotSync
import SystemPackage

struct FleetOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The hosts: names, commas, ranges such as web[001-120].example.com, user@host:port. Repeatable.",
            valueName: "list"))
    var hosts: [String] = []

    @Option(
        help: ArgumentHelp("A file of hosts, one or more a line; # begins a comment.", valueName: "file"),
        completion: .file(), transform: ValueForm.file.option)
    var hostsFile: String?

    @Option(
        help: ArgumentHelp(
            "Hosts to leave out, in the same form; `!web7` in a list does the same. Repeatable.", valueName: "list"))
    var except: [String] = []

    @Option(
        help: ArgumentHelp("A file of hosts to leave out, in the form of a hosts file.", valueName: "file"),
        completion: .file(), transform: ValueForm.file.option)
    var exceptFile: String?

    @Option(
        help: ArgumentHelp(
            "The folder on each host that holds the ring; {host} stands for the host's name.", valueName: "path"))
    var root: String?

    @Option(
        help: ArgumentHelp(
            "How hosts are reached: ssh, or local, which runs the agent on this machine. (default: ssh)",
            valueName: "kind"), completion: .list(Transport.Kind.allCases.map(\.rawValue)),
        transform: ValueForm.choice.option)
    var transport: Transport.Kind?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Called in place of ssh, as COMMAND HOST REMOTE-COMMAND.", valueName: "command"),
        transform: ValueForm.text("a command").option)
    var rsh: String?

    @Option(
        help: ArgumentHelp(
            "The agent's program on the hosts. (default: slotsync-agent, where `slotsync install` puts it)",
            valueName: "path"), transform: ValueForm.text("the path of a program, or a command").option)
    var remoteCommand: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Slots of a ring that is made now, 2 to 9; one that exists must have as many. (default: 5)",
            valueName: "n"),
        transform: ValueForm.number(in: RingStatus.slotCounts).option)
    var slots: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How many hosts connect, stage or prepare a flip at the same time; the flip is one moment for all. "
                + "(default: \(Fleet.usualParallelism))", valueName: "n"),
        transform: ValueForm.number(in: 1...Configuration.mostParallel).option)
    var parallel: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long a host may say nothing: 30, 30s, 5m. (default: \(Fleet.usualTimeout.components.seconds))",
            valueName: "time"),
        transform: ValueForm.timeout.option)
    var timeout: Duration?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long to wait for whoever holds a root's lock: 30, 5m. (default: not at all)", valueName: "time"),
        transform: ValueForm.timeout.option)
    var wait: Duration?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("What others are told who meet the lock of this command; one line.", valueName: "text"))
    var message: String?

    @Option(
        help: ArgumentHelp(
            "Where options stand that are not given here. (default: slotsync.yml, if there is one)",
            valueName: "file"),
        completion: .file(extensions: ["yml", "yaml"]), transform: ValueForm.file.option)
    var config: String?

    @Flag(help: "Print one JSON object a line to standard output; the last one is the summary.")
    var json = false

    @Flag(name: [.short, .long], help: "Print the result alone, what failed, and warnings.")
    var quiet = false

    @Flag(name: [.short, .long], help: "Tell each step, with its time, on standard error.")
    var verbose = false

    func validate() throws {
        if let message, message.isEmpty || message.utf8.count > 120 || escapedForDisplay(message) != message {
            throw ValidationError("--message takes one line of at most 120 bytes, all of them visible")
        }
        if quiet, verbose { throw ValidationError("--quiet and --verbose contradict each other; give one of them") }
    }
}

extension FleetOptions {
    /// What the options and the configuration say together.
    struct Settled {
        var fleet: Fleet
        /// The file's part, for settings that a command has options of its own for.
        var configuration: Configuration
        /// What was said and changes nothing, for a person to know.
        var notices: [String]
    }

    /// Reads the configuration and makes the fleet.
    ///
    /// - Parameter needsRoot: false for a command that leaves the hosts' rings alone.
    /// - Throws: a usage error that names the option.
    func settled(needsRoot: Bool = true) throws -> Settled {
        let configuration = try usage { () throws(SlotSyncError) in
            try Configuration.load(named: config.map { FilePath($0) })
        }
        guard let root = root ?? configuration.root ?? (needsRoot ? nil : ""), !(needsRoot && root.isEmpty) else {
            let lack = Configuration.lack(named: config)
            throw ValidationError(
                "no root: " + (lack.map { "\($0); or say" } ?? "say in the configuration as root:, or")
                    + " with --root which folder on the hosts holds the releases"
                    + (lack == nil || !self.hosts.isEmpty || hostsFile != nil ? "" : ", and with --hosts which hosts"))
        }
        try usage(root == self.root ? "--root" : "root") { () throws(SlotSyncError) in try Fleet.check(root: root) }
        let (hosts, notices) = try namedHosts(configuration)
        let transport = try chosenTransport(configuration)
        try usage { () throws(SlotSyncError) in try transport.check(hosts) }
        if transport.kind == .local, needsRoot, hosts.count > 1, !root.contains("{host}") {
            throw ValidationError(
                "the root \(root) is one folder for \(hosts.count) hosts on this machine: write {host} where their "
                    + "roots differ, as in \(root)/{host}")
        }
        var fleet = Fleet(
            hosts: hosts, root: root, transport: transport,
            parallelism: parallel ?? configuration.parallel ?? Fleet.usualParallelism,
            timeout: timeout ?? configuration.timeout ?? Fleet.usualTimeout)
        fleet.lockPatience = wait ?? .zero
        fleet.message = message ?? ""
        fleet.words = words
        return Settled(fleet: fleet, configuration: configuration, notices: notices)
    }

    /// What of this command line another command needs in order to reach the same hosts.
    var words: FleetWords {
        func option(_ name: String, _ value: String?) -> [String] { value.map { [name, $0] } ?? [] }
        return FleetWords(
            selection: hosts.flatMap { ["--hosts", $0] } + option("--hosts-file", hostsFile)
                + except.flatMap { ["--except", $0] } + option("--except-file", exceptFile),
            options: option("--root", root) + option("--transport", transport?.rawValue) + option("--rsh", rsh)
                + option("--remote-command", remoteCommand) + option("--slots", slots.map(String.init))
                + option("--parallel", parallel.map(String.init)) + option("--config", config))
    }

    private func chosenTransport(_ configuration: Configuration) throws -> Transport {
        let kind = transport ?? configuration.transport ?? .ssh
        if kind == .local, rsh != nil {
            throw ValidationError("--rsh is of no use with --transport local; leave one out")
        }
        var agent = remoteCommand ?? configuration.remoteCommand
        if kind == .local {
            // On a host its shell knows what ~ is; here nobody would.
            agent = agent.map { HomePath.expanded($0) ?? $0 }
            // This command is an agent itself, if there is none beside it.
            if agent == nil { agent = try usage { () throws(SlotSyncError) in try Transport.agentOfThisMachine() } }
        }
        return Transport(kind, remoteShell: try withHomes(rsh ?? configuration.rsh), remoteCommand: agent)
    }

    /// A command of this machine whose words may begin with ~, as in `ssh -F ~/deploy.conf`.
    private func withHomes(_ command: String?) throws -> String? {
        guard let command, command.contains("~") else { return command }
        let words = try usage("--rsh") { () throws(SlotSyncError) in try ShellWords.split(command) }
        guard words.contains(where: { $0.first == "~" }) else { return command }
        return ShellWords.joined(words.map { HomePath.expanded($0) ?? $0 })
    }
}

/// Runs `read`; what it cannot use is the caller's mistake in `option`, or in the configuration.
func usage<Value>(_ option: String? = nil, _ read: () throws(SlotSyncError) -> Value) throws -> Value {
    do {
        return try read()
    } catch {
        throw ValidationError(option.map { "\($0): \(error)" } ?? "\(error)")
    }
}
