// What a controller does about a host that was lost when it was told to flip or to go back, once the host has a new session:
// pure functions of what was known before and what the new session tells. HostConnection and FleetFlip ask them.

/// The decisions about a host whose session was lost.
package enum LostHost {
    /// What a host is asked to learn whether it has made a flip: it has where nothing is left to change.
    package static func question(of made: FlipRequest) -> FlipRequest {
        var request = made
        (request.beforeHook, request.afterHook, request.undoHook) = ("", "", "")
        // It is only asked, and nothing that is wrong with the slot is the answer.
        request.force = true
        return request
    }

    /// What a flip that was made, though nobody heard of it, comes to.
    package enum Finding {
        case counts
        /// It counts, though the hook after it may not have run.
        case countsWithoutHook
        /// The host goes back, as if the hook had failed.
        case goesBack
    }

    /// - Parameter outcome: what the flip was to do.
    package static func finding(_ request: FlipRequest, _ outcome: FlipOutcome) -> Finding {
        guard outcome.changed, !request.afterHook.isEmpty else { return .counts }
        // Whoever rolls back wants out of a bad release: no hook keeps a host in it.
        return request.direction == .flip ? .goesBack : .countsWithoutHook
    }

    /// The rollback that takes a host back whose new session did not make the flip.
    ///
    /// - Parameters:
    ///   - release: what it goes back from.
    ///   - hook: runs on the host when it is back.
    ///   - made: what the flip was to do there, if it was prepared.
    /// - Returns: nil: nothing has to be taken back.
    /// - Throws: `notReady` where nothing was live before.
    package static func wayBack(
        from release: ContentDigest?, hook: String, in ring: RingStatus?, made: FlipOutcome?
    ) throws(SlotSyncError) -> FlipRequest? {
        guard let ring, ring.liveRelease?.id == release else { return nil }
        // What was live a moment ago needs no consent a second time, though it is bad.
        var back = FlipRequest(.rollback, to: nil, hooks: Hooks(afterRollback: hook), force: true)
        if let made, made.release.id == release {
            guard made.changed, ring.live == made.slot else { return nil }
            guard let previous = made.previous else {
                throw SlotSyncError(
                    .notReady,
                    "nothing was live before release \(made.release.id), so it stays live in slot \(made.slot)")
            }
            // It ran the same release before, in another slot.
            guard previous.id != release else { return nil }
            // By its ID: a ring that was left in the middle of a rollback goes further back by itself.
            back.release = previous.id
        }
        return back
    }
}
