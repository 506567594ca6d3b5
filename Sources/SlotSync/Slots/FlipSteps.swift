// What a flip, its confirmation and its way back do to a host's ring, and in which order: whoever comes after a crash at
// any moment finds the way back. The agent takes these steps (AgentFlip, AgentProvisionalFlip), with hooks and words to the
// controller between them; Tests/Simulation takes them on rings in memory.

package import SystemPackage

/// What the steps of a flip need of a ring whose lock is held. `Ring` is one on a disk.
package protocol FlipRing: AnyObject {
    /// The state as this session knows it.
    var state: RingState { get }
    /// What is wrong with `current`, as it was found last.
    var handMade: HandMadeCurrent? { get }

    /// Why a slot has nothing that could be live; nil: it has.
    func lack(of slot: Int) -> SlotLack?
    /// The slot that `current` points at now; nil: none of this ring.
    func slotOfCurrent() throws(SlotSyncError) -> Int?
    /// Points `current` at a slot, durably; nil takes it away.
    ///
    /// - Throws: `Errno`; then `current` is what it was.
    func pointCurrent(at slot: Int?, isWayBack: Bool) throws(Errno) -> (moment: Timestamp, warnings: [String])
    /// Changes the state, durably, or not at all.
    func update(_ change: (inout RingState) -> Void) throws
    /// Changes the state, whether that can be written or not.
    ///
    /// - Returns: what a person should know of it.
    func note(_ change: (inout RingState) -> Void) -> String?
    func switchFailure(_ what: (String) -> String, _ error: Errno) -> SlotSyncError
}

/// A flip that was prepared in this session.
package struct PreparedFlip {
    package enum Standing {
        /// Nothing was changed yet.
        case prepared
        /// The host goes back by itself: from before the rename until the flip is confirmed or taken back.
        case provisional
        /// It is live, and only `undo` takes it back.
        case lasting
        case takenBack
    }

    package var request: FlipRequest
    package var change: FlipChange
    package var standing = Standing.prepared
    /// Whether `current` has to be put right, though the release is live by the ring's state.
    package var isRepair: Bool

    package init(_ request: FlipRequest, to slot: Int, in ring: some FlipRing) {
        self.request = request
        change = FlipChange(to: slot, in: ring.state.status)
        isRepair = change.slot == change.from && ring.handMade != nil
    }

    /// Whether there is something to take back.
    package var isCommitted: Bool { standing == .provisional || standing == .lasting }
    /// Whether the release was live already.
    package var changesNothing: Bool { change.slot == change.from && !isRepair }
    /// How long the controller of a flip that begins provisionally may be silent; nil: it stands.
    package var limit: Duration? { isRepair ? nil : request.provisionalLimit }
    /// Where a rollback is to lead after this: a flip is undone by it, a rollback not.
    var wayBack: ContentDigest? {
        request.direction == .flip ? change.fromBefore?.release?.id : change.release.id
    }
    /// The hook that follows it.
    var hook: OwedHook.Kind { request.direction == .flip ? .afterFlip : .afterRollback }

    /// What the controller is told of it.
    ///
    /// - Parameters:
    ///   - renamedAt: see ``FlipOutcome``.
    ///   - status: of the ring.
    ///   - wentBack: the flip of an agent that was gone, which this session took back.
    package func outcome(
        renamedAt: Int64, hasRunHook: Bool = false, in status: RingStatus? = nil, after wentBack: FlipChange? = nil
    ) -> FlipOutcome {
        var outcome = FlipOutcome(
            slot: change.slot, release: change.release, previousSlot: change.from,
            previous: change.fromBefore?.release, changed: !changesNothing, renamedAt: renamedAt,
            hasRunHook: hasRunHook)
        // Nothing goes from a release to itself: what was live before it is where a rollback leads.
        if changesNothing || isRepair, let status {
            (outcome.previousSlot, outcome.previous) = (status.previous, status.previous.flatMap { status[$0].release })
        }
        // The session began with what the rollback was to do.
        if request.direction == .rollback, changesNothing, let wentBack, wentBack.from == change.slot {
            (outcome.previousSlot, outcome.previous, outcome.changed) = (wentBack.slot, wentBack.release, true)
        }
        return outcome
    }

    // MARK: Forward

    /// Notes a provisional flip, durably; the rename comes next.
    package mutating func beginProvisional(in ring: some FlipRing) throws {
        guard let limit else { return }
        try ring.update {
            $0.noteProvisional(change, since: Timestamp.now.seconds, limit: limit, undoHook: request.undoHook)
        }
        standing = .provisional
    }

    /// Renames, and notes it.
    ///
    /// - Returns: when, and what there is to warn of.
    /// - Throws: `system`, if `current` is what it was; whatever fails afterwards is a warning.
    package mutating func move(in ring: some FlipRing) throws -> (moment: Timestamp, warnings: [String]) {
        let isHookAsked = !request.afterHook.isEmpty
        let owedBefore = ring.state.status.owedHook
        // Before the rename: whatever is killed from then on, the hook is owed. A provisional flip has noted its own.
        if standing != .provisional, isHookAsked || owedBefore != nil || ring.state.owedBefore != nil {
            _ = ring.note {
                if !isRepair { $0.keepOwedHook() }
                guard isHookAsked else { return }
                $0.status.owedHook = OwedHook(hook, release: change.release.id, since: Timestamp.now.seconds)
            }
        }
        let moment: Timestamp
        var warnings: [String]
        do {
            (moment, warnings) = try ring.pointCurrent(at: change.slot, isWayBack: request.direction == .rollback)
        } catch {
            if isHookAsked { _ = ring.note { $0.status.owedHook = owedBefore } }
            throw ring.switchFailure({ "flip \($0), and nothing was flipped" }, error)
        }
        if isRepair {
            if !isHookAsked, let said = ring.note({ _ in }) { warnings.append(said) }
        } else {
            let kind: FlipRecord.Kind = request.direction == .flip ? .flip : .rollback
            let said = ring.note {
                $0.note(change, as: kind, at: moment.seconds, owing: isHookAsked ? hook : nil)
            }
            if let said { warnings.append(said) }
        }
        if standing == .prepared { standing = .lasting }
        return (moment, warnings)
    }

    /// What follows when the hook that follows a flip did not come to a good end.
    package enum HookConsequence {
        /// The session ends, as its controller is gone; a provisional flip then goes back.
        case sessionEnds
        /// The release stays, and the hook is owed.
        case stays
        case goesBack
    }

    /// - Parameter code: the hook's error; anything else than `hookFailed` tells why nobody waits for it any more.
    package func consequence(ofHook code: SlotSyncError.Code) -> HookConsequence {
        if standing == .provisional, code != .hookFailed { return .sessionEnds }
        // Whoever rolls back wants out of a bad release: no hook keeps a host in it.
        if request.direction == .rollback { return code == .hookFailed ? .stays : .sessionEnds }
        // `current` was only put right.
        return isRepair ? .sessionEnds : .goesBack
    }

    /// Makes the flip one that stays, durably; `undo` can still take it back.
    package mutating func confirm(in ring: some FlipRing) throws {
        guard standing == .provisional else { return }
        // Where this cannot be noted, the next agent would take the flip back: so this one does.
        try ring.update { $0.noteNoneProvisional() }
        standing = .lasting
    }

    // MARK: Back

    /// Takes a flip back that is not provisional; the undo hook, if there is one, is owed from then on.
    ///
    /// - Parameter reason: why the host does so by itself; empty: it was told to.
    /// - Returns: what there is to warn of.
    package mutating func moveBack(in ring: some FlipRing, because reason: String = "") throws -> [String] {
        if let from = change.from, let lack = ring.lack(of: from) {
            throw SlotSyncError(.notReady, "slot \(from), which was live before, \(lack.what): \(lack.remedy)")
        }
        // Before the rename, as on the way there: whatever is killed from then on, the hook is owed.
        let owedBefore = ring.state.status.owedHook
        if !request.undoHook.isEmpty, let release = change.fromBefore?.release?.id {
            _ = ring.note {
                $0.keepOwedHook()
                $0.status.owedHook = OwedHook(.afterRollback, release: release, since: Timestamp.now.seconds)
            }
        }
        let moment: Timestamp
        var warnings: [String]
        do { (moment, warnings) = try ring.pointCurrent(at: change.from, isWayBack: true) } catch {
            if ring.state.status.owedHook != owedBefore { _ = ring.note { $0.status.owedHook = owedBefore } }
            throw ring.switchFailure({ "flip \($0) back" }, error)
        }
        let said = ring.note {
            $0.noteUndo(
                of: change, at: moment.seconds, because: reason, hook: request.undoHook.isEmpty ? .none : .owed)
        }
        if let said { warnings.append(said) }
        standing = .takenBack
        return warnings
    }
}

/// How taking a flip back went, for a person.
package struct Reversal {
    var done: String
    /// What could not be done besides.
    var warnings: [String] = []
    /// What the flip is from then on; nil: there was none.
    package var standing: PreparedFlip.Standing?

    var text: String { ([done] + warnings).joined(separator: "; ") }
}

/// A link that was pointed back; the hook has to run, and the state to be noted.
package struct LinkReturn {
    package let wayBack: WayBack
    /// What could not be done besides.
    let warnings: [String]
}

/// What the way back of the link leaves to do.
package enum Returned {
    case over(Reversal)
    case owesHook(LinkReturn)
}

extension FlipRing {
    package func canBeLive(_ slot: Int) -> Bool { lack(of: slot) == nil }

    /// The first step of taking a provisional flip back: the link. Each step is found again by whoever comes after a crash.
    package func pointBack(because reason: String) throws -> Returned {
        let nothing = "nothing had to be taken back"
        guard let wayBack = state.wayBack else { return .over(Reversal(done: nothing)) }
        let change = wayBack.change
        let current = try slotOfCurrent()
        if let handMade, handMade.isForeign {
            // Somebody's own file stands there. It stays, and what was live before is what the state holds for live.
            let said = note { $0.noteUndo(of: change, at: Timestamp.now.seconds, because: reason) }
            _ = try slotOfCurrent()
            return .over(
                Reversal(
                    done: "nothing was taken back",
                    warnings: [self.handMade?.text ?? handMade.text, said].compactMap { $0 }, standing: .takenBack))
        }
        let isLive = current == change.slot || (handMade?.isMisleading == true && change.from != nil)
        // Its lock was held all the time; but nothing that is not whole becomes live, whatever was done by hand.
        if isLive, let from = change.from, !state.status[from].state.isSealed || !canBeLive(from) {
            _ = note { $0.noteNoneProvisional() }
            let lack = lack(of: from).map { "\($0.what), so slot \(change.slot) stays: \($0.remedy)" }
            return .over(
                Reversal(
                    done: "slot \(from), which was live before, "
                        + (lack ?? "holds no whole release any more, so slot \(change.slot) stays"),
                    standing: .lasting))
        }
        var warnings: [String] = []
        if isLive {
            // So that the hook is still owed after a crash. Where it cannot be noted, the link goes back all the same.
            if !wayBack.isFlipped { _ = note { $0.wayBack?.isFlipped = true } }
            do { warnings = try pointCurrent(at: change.from, isWayBack: true).warnings } catch {
                throw switchFailure({ "flip \($0) back" }, error)
            }
        } else if !wayBack.isFlipped || current != change.from {
            let said = note { $0.noteNoneProvisional() }
            return .over(Reversal(done: nothing, warnings: said.map { [$0] } ?? [], standing: .takenBack))
        }
        return .owesHook(LinkReturn(wayBack: wayBack, warnings: warnings))
    }

    /// The last step: both slots are what they were.
    ///
    /// - Parameter hook: what became of the undo hook.
    /// - Returns: what a person should know of it.
    package func noteReturn(
        _ link: LinkReturn, because reason: String, hook: RingState.UndoHook
    ) -> String? {
        note { $0.noteUndo(of: link.wayBack.change, at: Timestamp.now.seconds, because: reason, hook: hook) }
    }

    /// The state as it will be when the link's way back is noted: what a controller decides by.
    package func stateAfter(_ link: LinkReturn) -> RingStatus {
        var after = state
        after.noteUndo(of: link.wayBack.change, at: 0)
        after.status.wentBack = link.wayBack.change.release
        return after.status
    }

    /// Notes that the hook that was owed has run.
    package func noteHookDone() -> String? {
        state.status.owedHook == nil ? nil : note { $0.status.owedHook = nil }
    }
}
