// Releases that nobody shall flip to any more: marked by a controller after they were rolled back, refused by a flip
// that does not insist, told when they are staged again.

import SystemPackage

extension AgentSession {
    /// Marks a release as bad wherever this host holds it.
    func markBad(_ release: ContentDigest, because reason: String) async throws {
        let ring = try await lockRing(for: "marking a release as bad")
        if let live = ring.state.live, ring.state[live].release?.id == release {
            throw SlotSyncError(
                .notReady,
                "release \(release) is live in slot \(live) of \(quoted(root)), so it cannot be marked as bad: roll it "
                    + "back first")
        }
        if (1...ring.state.slots.count).contains(where: { ring.state[$0].release?.id == release }) {
            try ring.update { $0.markBad(release, because: reason, at: Timestamp.now.seconds) }
        }
        try connection.send(.status(ring.status))
    }

    /// Throws if the slot's release is bad and the controller does not insist on it.
    func checkNotBad(_ slot: Int, _ request: FlipRequest, _ ring: Ring) throws {
        guard ring.state[slot].state == .bad, !request.force else { return }
        let id = ring.state[slot].release?.id.description ?? "-"
        let again = request.direction == .flip ? "flip --force \(id)" : "rollback --to \(id) --force"
        throw SlotSyncError(
            .notReady,
            "release \(id) in slot \(slot) is bad\(reasonText(slot, ring)): stage another one, or insist with "
                + "`slotsync \(again)`")
    }

    /// What a person is told who stages a bad release again.
    func warningOfBad(_ slot: Int, _ ring: Ring) -> String {
        let id = ring.state[slot].release?.id.description ?? "-"
        return
            "release \(id) in slot \(slot) is bad: it was rolled back here\(reasonText(slot, ring)). `flip` and `push` "
            + "refuse it; with `--force` they do not"
    }

    private func reasonText(_ slot: Int, _ ring: Ring) -> String {
        let reason = ring.state[slot].reason
        return reason.isEmpty ? "" : " (\(reason))"
    }
}
