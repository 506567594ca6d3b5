// Holds what a host answers against what it was asked. A host can say what it likes of itself; but what it says of
// another release, slot or flip than the one it was asked about would pass for the fleet's. HostConnection's requests
// and StageConversation call these.

extension FlipOutcome {
    /// - Throws: `protocolViolation` where a host prepared another release than it was asked for.
    func check(against request: FlipRequest) throws(SlotSyncError) {
        guard let asked = request.release, asked != release.id else { return }
        throw SlotSyncError(
            .protocolViolation, "the agent was asked for release \(asked), and prepared release \(release.id)")
    }

    /// - Parameter isWayBack: whether the flip was taken back: then there may have been nothing to take back.
    /// - Throws: `protocolViolation` where a host made, or took back, another flip than it had prepared.
    func check(against prepared: FlipOutcome, isWayBack: Bool) throws(SlotSyncError) {
        var expected = prepared
        (expected.renamedAt, expected.hasRunHook, expected.owesHook) = (renamedAt, hasRunHook, owesHook)
        if isWayBack { expected.changed = changed }
        guard self != expected else { return }
        throw SlotSyncError(
            .protocolViolation,
            "the agent prepared a flip to release \(prepared.release.id) in slot \(prepared.slot), and answers with release "
                + "\(release.id) in slot \(slot)")
    }
}

extension StageOutcome {
    /// - Parameters:
    ///   - kinds: how the stage can have ended where the host said so.
    ///   - slotCount: how many slots the host's ring has.
    /// - Throws: `protocolViolation` for anything else.
    func check(isOneOf kinds: [Kind], slotCount: Int) throws(SlotSyncError) {
        guard kinds.contains(kind), (1...slotCount).contains(slot) else {
            throw SlotSyncError(
                .protocolViolation, "the agent says of slot \(slot) of \(slotCount) what cannot be (\(kind))")
        }
    }
}

extension [SlotVerification] {
    /// - Parameters:
    ///   - slot: which one was asked for; nil: all that are sealed.
    ///   - ring: as the host tells it behind its answers.
    /// - Throws: `protocolViolation` where these are not the slots that were asked for, or not what the ring has there.
    func check(against slot: Int?, in ring: RingStatus) throws(SlotSyncError) {
        let asked = slot.map { [$0] } ?? ring.numbers.filter { ring[$0].state.isSealed }
        guard map(\.slot) == asked,
            allSatisfy({ ring.numbers.contains($0.slot) && ring[$0.slot].release == $0.release })
        else {
            throw SlotSyncError(
                .protocolViolation, "the agent verified slots that nobody asked for, or not what its ring has in them")
        }
    }
}

extension RingStatus {
    /// Whether a host that was asked to mark a release as bad has done so.
    func hasMarkedBad(_ release: ContentDigest) -> Bool {
        !slots.contains { $0.release?.id == release && $0.state.isSealed && $0.state != .bad }
    }
}
