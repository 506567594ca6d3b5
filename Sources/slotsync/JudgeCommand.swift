// `slotsync judge`: judges recorded pushes, with the settings of the recording or with others. No host is asked.

import ArgumentParser
import Canary
import CanaryRecording
import Glibc
import SlotSync
import SystemPackage

struct JudgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "judge",
        abstract: "Judge recorded pushes.",
        discussion: """
            FILE has one push a line, as `slotsync push --record` writes them. For each, a line is printed that says \
            whether the release passed, is a regression, or whether the data do not tell (inconclusive), metric by \
            metric, and why.

            Without --looks each push is judged once, by all of its samples and with all of the significance. A live push \
            looks after every sample, and each look has its share: a twelfth of the significance or less at an early one, \
            most of it at the last, divided among the metrics. So p = 0.004 at a first look rolls nothing back yet where \
            the significance is 0.01: its limit there is 0.0008 over all metrics. Had every look all of the significance, \
            chance alone would find something at one of them far too often.

              slotsync judge pushes.jsonl
              slotsync judge --looks --significance 0.001 pushes.jsonl

            Exit codes: 0 all were judged, whatever the verdicts; 1 the file could not be read to its end, or the verdicts \
            not be written; 64 wrong usage, a file that cannot be opened, or a line that is no recording: the message names \
            it, and what was before it has been judged.
            """)

    @Argument(help: "The recorded pushes, one JSON object a line; - for standard input.", completion: .file())
    var file: String

    @Flag(help: "Judge as during the push, look by look, and say when a regression was found.")
    var looks = false

    @Option(
        help: ArgumentHelp(
            "The chance of a false rollback: 0.01 or 1%. (default: as recorded, or 0.01)", valueName: "share"),
        transform: ValueForm.significance.option)
    var significance: Double?

    @Option(
        help: ArgumentHelp("The change that never rolls back: 0.1 or 10%.", valueName: "share"),
        transform: ValueForm.share.option)
    var tolerance = JudgeSettings().tolerance

    @Option(
        help: ArgumentHelp(
            "How long after the flip nothing counts, but for counters that count from the flip, as all of recordings do "
                + "that do not say. (default: as recorded, or 10s)", valueName: "time"),
        transform: ValueForm.time.option)
    var settle: Double?

    @Option(
        help: ArgumentHelp(
            "How long after the flip is looked at. (default: all that was recorded)",
            valueName: "time"),
        transform: ValueForm.time.option)
    var window: Double?

    func run() async throws {
        let input = try InputFile.open(file)
        defer { input.close() }
        var settings = JudgeSettings()
        settings.tolerance = tolerance
        let judge = RecordedJudge(
            settings: settings, settle: settle, significance: significance, window: window, looks: looks)
        var reader = LineReader(input.named, maximumLength: RecordingFormat.maximumLineLength)
        let cores = max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1)
        // Two for each core, so that none waits while verdicts are printed.
        try await inOrder(limit: 2 * cores, room: RecordingFormat.maximumLineLength, size: \.length) {
            try RecordedPushes(from: &reader, file: input.named.name)
        } work: {
            $0.judged(by: judge)
        } deliver: { judged in
            try print(judged.output)
            if let failure = judged.failure { throw failure }
        }
    }

    private func print(_ output: String) throws {
        do { try FileDescriptor.standardOutput.writeFully(output) } catch {
            throw SlotSyncError(.system, "cannot write to standard output", errno: error)
        }
    }
}
