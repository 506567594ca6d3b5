// Hooks that a host owes to its live release. A flip or a rollback to that release runs the one that is owed; a status
// and a stage tell of it. AgentFlip notes the debt before the rename, and that it is settled when the hook has run.

extension AgentSession {
    /// Runs the hook that is owed to the release that is live, if this request brings it.
    ///
    /// - Returns: whether it has run, and whether it is owed still because this command has none.
    func runOwedHook(_ flip: PreparedFlip, in ring: Ring) async throws -> (hasRun: Bool, isLacking: Bool) {
        guard let owed = ring.status.owedHook, owed.release == flip.change.release.id else { return (false, false) }
        let command =
            flip.request.direction == .flip && owed.kind == .afterRollback
            ? flip.request.undoHook : flip.request.afterHook
        guard !command.isEmpty else {
            try connection.send(
                .warning(
                    owed.text + ", and this command has none to run: name the configuration that has it (--config)"))
            return (false, true)
        }
        do { try await runHook(command, named: "\(owed.kind)", flip) } catch {
            // Where it did not fail, its controller is gone.
            guard flip.request.direction == .rollback, (error as? SlotSyncError)?.code == .hookFailed else {
                throw error
            }
            try connection.send(.warning("\(error); \(owing(owed.release))"))
            return (false, false)
        }
        try settleHook(in: ring)
        try connection.send(.warning(owed.text + ": it has run now"))
        return (true, false)
    }

    /// Notes that the hook that followed has run.
    func settleHook(in ring: Ring) throws {
        if let said = ring.noteHookDone() { try tell([said]) }
    }

    /// What to say of a hook that the live release has not got yet.
    func owedHookWarning(_ ring: Ring) -> String? {
        guard let owed = ring.status.owedHook, ring.status.liveRelease?.id == owed.release else { return nil }
        var status = ring.status
        status.lock = ring.lockOfOthers()
        // Until a hook has run to its end it is owed.
        if status.isHookRunning {
            return "the hook \(owed.kind) of release \(owed.release) runs, since \(utcText(owed.since))"
        }
        return "\(owed.text): `slotsync flip \(owed.release)` runs the one of its configuration"
    }

    func owing(_ release: ContentDigest) -> String {
        "the hook is owed until `slotsync flip \(release)` has run the one of its configuration"
    }
}
