// The root command. It lists the subcommands; each of them is a file of its own.

import ArgumentParser
import Glibc
import SlotSync
import SystemPackage

@main
struct SlotSyncCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slotsync",
        abstract: "Put a release on many hosts, make it live on all of them at one moment, take it back as fast.",
        discussion: """
            Each host has a ring of slots. `stage` fills the next one, everywhere; `flip` switches a symlink by one \
            rename(2); `rollback` switches it back.

              slotsync stage ./site --hosts "web[001-120].example.com" --root /srv/www
              slotsync flip         --hosts "web[001-120].example.com" --root /srv/www

            `push` does all of it: a few hosts first, judged against the others by what slotsync.yml measures.

            What would stand on every command line goes into slotsync.yml: hosts, root, hooks, exclusions.

            Exit codes: 0 all done; 1 failed, and what is live is what it was, on every host; 2 partly done, and the \
            message names the hosts; 3 pushed, judged and rolled back; 64 wrong usage, and nothing was done.
            """,
        version: "slotsync \(SlotSyncVersion.text)",
        groupedSubcommands: [
            CommandGroup(
                name: "Release",
                subcommands: [
                    StageCommand.self, FlipCommand.self, RollbackCommand.self, PushCommand.self, SignCommand.self,
                ]),
            CommandGroup(name: "Canary", subcommands: [SampleCommand.self, JudgeCommand.self]),
            CommandGroup(
                name: "Hosts",
                subcommands: [StatusCommand.self, VerifyCommand.self, InstallCommand.self, AgentCommand.self]),
            CommandGroup(
                name: "Single files", subcommands: [SignatureCommand.self, DeltaCommand.self, PatchCommand.self]),
        ])
    static func main() async {
        StandardStreams.keepOpen()
        // `CommandLine` has no words where there is no /proc, and whoever typed something would get help.
        let words = Array(processArguments().dropFirst())
        var console = Console()
        if let message = UnknownCommand.message(words, of: SlotSyncCommand.self) {
            console.note("Error: \(message)")
            console.note("See 'slotsync --help' for more information.")
            Glibc.exit(ExitStatus.usage.rawValue)
        }
        do {
            var command = try parseAsRoot(words)
            // Help is no command of ours.
            if configuration.subcommands.contains(where: { $0 == type(of: command) }) {
                try requireThreadLists()
                if !(command is AgentCommand) {
                    try ProcessSetup.requireAddressSpace()
                    ProcessSetup.keepFreedMemory()
                }
            }
            if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
        } catch {
            let isBadInput = (error as? SlotSyncError)?.code == .badInput
            let code = isBadInput ? ExitCode(ExitStatus.usage.rawValue) : exitCode(for: error)
            let message = fullMessage(for: error)
            // Help, the version, scripts for shells.
            guard !code.isSuccess else {
                if !message.isEmpty { _ = try? FileDescriptor.standardOutput.writeFully(message + "\n") }
                Glibc.exit(code.rawValue)
            }
            // A value that is quoted must not command the terminal: the console escapes what is invisible.
            for line in message.split(separator: "\n", omittingEmptySubsequences: false) where !message.isEmpty {
                console.note(String(line))
            }
            Glibc.exit(code.rawValue)
        }
    }

    /// Dispatch reads of a process's threads in /proc once a second, and ends one that has no such list.
    private static func requireThreadLists() throws {
        let path = "/proc/self/task"
        guard access(path, R_OK | X_OK) != 0 else { return }
        throw SlotSyncError(
            .system, "cannot read \(quoted(path)), which slotsync needs: mount /proc (mount -t proc proc /proc)",
            errno: Errno(rawValue: errno))
    }
}
