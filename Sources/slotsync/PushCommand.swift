// `slotsync push`: stages a release, flips a few hosts, judges them, and flips everybody or takes the release back.

import ArgumentParser
import Canary
import CanaryRecording
import CanaryReport
import Glibc
import SlotSync
import SystemPackage

struct PushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push",
        abstract: "Stage a release, flip a few hosts, judge how they fare, then flip everybody or take it back.",
        discussion: """
            Stages on every host, samples a base line, flips a few hosts (the canaries), and watches them beside hosts that \
            are not flipped: only what changes on the canaries and not on the others counts against the release. Then it \
            takes the canaries back, or flips everybody and watches on. The section `canary` of slotsync.yml says which \
            hosts are flipped first, what is measured and how strictly it is judged; `slotsync sample` shows what is \
            measured, --dry-run the plan and what its canaries can detect.

              slotsync push ./site --name v1.4.2
              slotsync push ./site --report push.html --record push.jsonl
              slotsync push ./site --dry-run

            Until everybody is flipped, whatever ends the push (a regression, Ctrl-C, a lost controller) takes all flipped \
            hosts back. A release that was judged a regression is marked bad; `flip` and `push` refuse it without --force.

            Exit codes: 0 live; 1 failed, interrupted or inconclusive, and what is live is what it was; 2 partly done, and \
            the message names the hosts; 3 judged a regression and taken back; 64 wrong usage, and nothing was done.
            """)

    @Argument(
        help: "The folder that is the release.", completion: .directory, transform: ValueForm.folder.option)
    var source: String

    @OptionGroup(title: "Push options") var push: PushSettings
    @OptionGroup(title: "Stage options") var stage: StageSettings
    @OptionGroup(title: "Fleet options") var fleet: FleetOptions

    func validate() throws {
        guard stage.dryRun, let option = push.record != nil ? "--record" : push.report != nil ? "--report" : nil else {
            return
        }
        throw ValidationError(
            "--dry-run pushes nothing, so there would be nothing to write down with \(option): leave one of them out")
    }

    func run() async throws {
        try await fleet.run("push", outputCounts: false) { settled, reporter in
            var options = try push.options(
                settled.configuration,
                stage: try stage.options(settled.configuration, slots: fleet.slots, config: fleet.config))
            options.stage.ownFiles += [push.record, push.report].compactMap { $0.map { FilePath($0) } }
            do { try Push.check(options, for: settled.fleet) } catch let error as SlotSyncError {
                throw ValidationError(error.message)
            }
            var plan = try usage { () throws(SlotSyncError) in
                try RolloutPlan(hosts: settled.fleet.hosts, settings: options.canary, mode: options.mode)
            }
            plan.words = settled.fleet.words
            if stage.dryRun {
                return try await PushRehearsal(
                    source: FilePath(source), fleet: settled.fleet, options: options, plan: plan
                ).show(reporter)
            }
            let narration = PushNarration(plan: plan, options: options)
            if !narration.power.isEmpty { await reporter.note(narration.power) }
            for file in [push.record, push.report].compactMap(\.self) { try checkFolder(of: file) }
            try checkFilesDiffer()
            let result = try await reporter.follow(
                Push(FilePath(source), to: settled.fleet, options: options), narration, answersYes: push.yes)
            var files: [(path: String, text: String)] = []
            let record = result.record
            if let file = push.record {
                if record.isEmpty {
                    await reporter.warn(
                        "\(file) was not written: the push ended before any window was judged, so there is nothing to "
                            + "record")
                } else {
                    files.append((file, record))
                }
            }
            if let file = push.report {
                let page = ReportPage(
                    result, title: settled.fleet.root,
                    command: processArguments().map(ShellWords.quoted).joined(separator: " "),
                    recording: record.isEmpty ? nil : push.record)
                files.append((file, page.html))
            }
            var unwritten: Set<String> = []
            for (path, text) in files {
                do { try write(text, to: path) } catch {
                    await reporter.problem("Error: \(error)")
                    unwritten.insert(path)
                }
            }
            let report = push.report.flatMap { unwritten.contains($0) ? nil : $0 }
            var conclusion = await narration.conclude(result, reporter, report: report)
            // The hosts are as they should be; whoever waits for the file did not get it.
            if !unwritten.isEmpty, conclusion.status == .done { conclusion.status = .partlyDone }
            if result.stagingError?.code == .badInput, conclusion.status == .failed { conclusion.status = .usage }
            return conclusion
        }
    }

    /// What was pushed cannot be written down there: better known before.
    private func checkFolder(of path: String) throws {
        let folder = FilePath(path).removingLastComponent()
        guard access(folder.isEmpty ? "." : folder.string, W_OK) != 0 else { return }
        throw ValidationError("cannot write \(path): there is no such folder, or it is not ours to write to")
    }

    /// Of two results that go into one file the later one alone would be left.
    private func checkFilesDiffer() throws {
        guard let record = push.record, let report = push.report,
            ResultFile.place(of: record) == ResultFile.place(of: report)
        else { return }
        throw ValidationError(
            "--record \(record) and --report \(report) are one file, and the report would overwrite the record: name two"
        )
    }

    private func write(_ text: String, to path: String) throws {
        try ResultFile.write(to: path) { file in
            do { try file.named.descriptor.writeAll(text.utf8) } catch {
                throw SlotSyncError(.system, "cannot write \(path)", errno: error as? Errno)
            }
        }
    }
}

struct PushSettings: ParsableArguments {
    @Flag(help: "Stop after the canaries' verdict: they stay on the release, or go back.")
    var canaryOnly = false

    @Flag(help: "Flip everybody at once; nothing is measured or judged.")
    var noCanary = false

    @Flag(help: "Answer what is asked with yes: an inconclusive verdict then goes on, where the settings say `ask`.")
    var yes = false

    @OptionGroup var flip: FlipSettings

    @Option(
        help: ArgumentHelp(
            "Write what was sampled and judged into a file, for `slotsync judge`; none where nothing was judged.",
            valueName: "file"),
        completion: .file(), transform: ValueForm.file.option)
    var record: String?

    @Option(
        help: ArgumentHelp("Write a report into a file: one page for a browser.", valueName: "file"),
        completion: .file(extensions: ["html"]), transform: ValueForm.file.option)
    var report: String?

    func validate() throws {
        if canaryOnly, noCanary {
            throw ValidationError("--canary-only and --no-canary contradict each other; give one of them")
        }
        if noCanary, record != nil {
            throw ValidationError(
                "--no-canary measures nothing, so there would be nothing to write down with --record: leave one of them "
                    + "out")
        }
    }

    /// - Throws: a usage error where nothing could be judged and nobody said that this is meant.
    func options(_ configuration: Configuration, stage: StageOptions) throws -> PushOptions {
        var options = PushOptions()
        options.stage = stage
        let flip = flip.options(configuration)
        options.maxFailures = flip.maxFailures
        options.hooks = flip.hooks
        options.force = flip.force
        options.mode = noCanary ? .unjudged : canaryOnly ? .canaryOnly : .full
        // Where nothing is measured, nothing that would be measured can stop the push.
        let section = noCanary ? CanarySection() : try configuration.canarySection()
        options.canary = section.settings
        options.canAsk = yes || Reporter.canAsk
        if options.mode != .unjudged, options.canary.metrics.isEmpty {
            throw ValidationError(
                "no metrics, so nothing could be judged: name some in slotsync.yml, under canary.metrics, or flip "
                    + "everybody at once with --no-canary")
        }
        options.external = try section.external()
        return options
    }
}
