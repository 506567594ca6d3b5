// The root command: lists the others.

import ArgumentParser
import SlotSync

@main
struct SlotSyncCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slotsync", abstract: "Staged releases to many hosts.", version: SlotSyncVersion.current,
        subcommands: [SignatureCommand.self, DeltaCommand.self, PatchCommand.self])
}
