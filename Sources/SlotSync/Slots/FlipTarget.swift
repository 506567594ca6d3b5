// Which slot a request to flip or to roll back means, and whether it may. A pure function of the ring; AgentFlip asks it.

extension RingStatus {
    /// The slot that a request leads to.
    ///
    /// - Parameter whole: the slot of a way back, or a whole copy of its release where somebody changed what is in it.
    package func slot(for request: FlipRequest, whole: (Int) -> Int) throws(SlotSyncError) -> Int {
        if request.direction == .rollback && request.release == nil {
            guard let previous else {
                throw SlotSyncError(
                    .notReady, "no release was live before on this host that is still there: name one with --to")
            }
            return whole(previous)
        }
        guard let release = request.release else {
            throw SlotSyncError(.protocolViolation, "the controller sent a flip without a release")
        }
        // Where the live slot was damaged, its release was staged again beside it.
        if request.direction == .flip, let ready = newestReady(of: release) { return ready }
        if let live, self[live].holds(release) { return live }
        let holders = numbers.filter { self[$0].holds(release) }
        if let previous, holders.contains(previous) { return whole(previous) }
        if let slot = holders.first(where: { self[$0].state != .bad }) ?? holders.first { return whole(slot) }
        if let slot = numbers.first(where: { self[$0].release?.id == release }) {
            throw SlotSyncError(
                .notReady, "release \(release) in slot \(slot) is \(self[slot].state): stage it again")
        }
        throw SlotSyncError(.notReady, "release \(release) is in no slot of this host: stage it first")
    }

    /// Throws if the slot's release is bad and the request does not insist on it.
    package func refuseBad(_ slot: Int, _ request: FlipRequest) throws(SlotSyncError) {
        guard self[slot].state == .bad, !request.force, let id = self[slot].release?.id else { return }
        let again = request.direction == .flip ? "flip --force \(id)" : "rollback --to \(id) --force"
        throw SlotSyncError(
            .notReady, "\(badText(of: slot)): stage another one, or insist with `slotsync \(again)`")
    }
}
