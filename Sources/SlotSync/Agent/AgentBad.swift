// Bad releases on a host. A controller marks a release as bad after it was rolled back. A flip then refuses it unless
// it insists, and a stage warns of it.

import SystemPackage

extension AgentSession {
    /// Marks a release as bad wherever this host holds it.
    func markBad(_ release: ContentDigest, because reason: String) async throws {
        try policy?.checkFlips()
        let ring = try await lockRing(for: "marking a release as bad")
        if let live = ring.status.live, ring.status[live].release?.id == release {
            throw SlotSyncError(
                .notReady,
                "release \(release) is live in slot \(live) of \(quoted(root)), so it cannot be marked as bad: roll it "
                    + "back first")
        }
        if ring.status.numbers.contains(where: { ring.status[$0].release?.id == release }) {
            try ring.update { $0.markBad(release, because: reason, at: Timestamp.now.seconds) }
        }
        try connection.send(.status(ring.status))
    }

    /// The warning for whoever stages a bad release again.
    func warningOfBad(_ slot: Int, _ ring: Ring) -> String {
        ring.status.badText(of: slot, cause: ": it was rolled back here")
            + ". `flip` and `push` refuse it; with `--force` they do not"
    }
}
