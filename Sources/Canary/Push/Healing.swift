// A host whose session was lost gets a new one, and is asked what is live there. The agent of the lost session may not know of
// its end yet: a connection that was cut ends on the host when the agent's patience does.

import SlotSync

struct Healing: Sendable {
    let connection: FleetConnection
    /// The release of the push.
    let release: ContentDigest?
    /// How long an agent that hears nothing waits before it goes back.
    let patience: Duration

    /// What going back itself may take.
    private static let timeToGoBack = Duration.seconds(5)
    private static let pause = Duration.seconds(1)

    /// Opens a new session, and waits until no other agent watches over a flip that was not confirmed.
    ///
    /// - Returns: whether the release of the push is live there.
    func heal(_ host: Host) async throws(SlotSyncError) -> Bool {
        let deadline = ContinuousClock.now + patience + Self.timeToGoBack
        while true {
            await connection.drop(host)
            let results = await connection.listen(to: [host])
            guard let (_, ring) = results.answers.first else {
                throw results.failures.first?.error
                    ?? SlotSyncError(.unreachable, "its session could not be opened again")
            }
            if ring?.provision == nil { return release != nil && ring?.liveRelease?.id == release }
            guard ContinuousClock.now < deadline else {
                throw SlotSyncError(.locked, "the agent of the lost session still keeps the flip, and does not go back")
            }
            try? await Task.sleep(for: Self.pause)
        }
    }
}
