// What all fleet commands have in common: settle the options, do the work, say how it ended, and exit with that code.

import ArgumentParser
import SlotSync

extension FleetOptions {
    /// Runs a command's work on its fleet.
    ///
    /// - Parameters:
    ///   - command: its name, for the summary.
    ///   - needsRoot: false for a command that leaves the hosts' rings alone.
    ///   - outputCounts: false for a command that is done when the hosts are on the release, whoever could be told.
    ///   - body: the work. It throws a usage error before, or any other error when nothing was done on any host.
    /// - Throws: the exit code, unless it is 0.
    func run(
        _ command: String, needsRoot: Bool = true, outputCounts: Bool = true,
        _ body: (Settled, Reporter) async throws -> Conclusion
    ) async throws {
        ProcessSetup.prepare()
        ProcessSetup.tellOfFaults()
        if verbose { StandardErrorLog.bootstrap() }
        let reporter = Reporter(self)
        var conclusion = Conclusion(status: .failed)
        do {
            let settled = try settled(needsRoot: needsRoot)
            conclusion.hosts = settled.fleet.hosts.count
            if let lack = Configuration.lack(named: config), Configuration.mistaken?.contains("/") == false {
                await reporter.warn(lack)
            }
            for notice in settled.notices { await reporter.warn(notice) }
            await reporter.noteRoot(settled.fleet.root)
            conclusion = try await body(settled, reporter)
        } catch let error as ValidationError {
            await reporter.usageError(error.message, command: command)
            conclusion.status = .usage
        } catch {
            await reporter.failure(error)
            // A source that cannot be one, say: nothing was done anywhere.
            if (error as? SlotSyncError)?.code == .badInput { conclusion.status = .usage }
        }
        // Whoever waits for the result did not get it.
        if outputCounts, await reporter.hasLostOutput, conclusion.status == .done { conclusion.status = .partlyDone }
        conclusion.retriedLogins = await reporter.droppedLogins
        await reporter.json(conclusion.json(command: command, duration: reporter.elapsed))
        if conclusion.status != .done { throw ExitCode(conclusion.status.rawValue) }
    }
}
