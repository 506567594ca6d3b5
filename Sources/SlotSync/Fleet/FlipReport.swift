// What came of a flip or a rollback, host by host and over the fleet. FleetFlip makes the report. FleetConnection tells
// of single hosts in the same words.

/// What a flip, a rollback or taking one back did on one host.
public struct FlippedHost: Sendable, Hashable {
    /// The host.
    public var host: Host
    /// The slot that is live now, from 1; after taking back, the one that was.
    public var slot: Int
    /// The release in that slot.
    public var release: ReleaseName
    /// The slot that was live before; nil: none.
    public var previousSlot: Int?
    /// The release in the slot before; nil: none was live.
    public var previous: ReleaseName?
    /// False: the release was live already.
    public var changed: Bool
    /// The host's clock right after the rename, in nanoseconds since 1970; 0 if nothing was renamed.
    public var renamedAt: Int64
}

/// What came of a flip or a rollback over the fleet.
public struct FlipReport: Sendable {
    /// What was flipped to; nil where no host got so far as to say.
    public var release: ReleaseName?
    /// Hosts on which the release is live now.
    public var flipped: [FlippedHost]
    /// Hosts that were flipped and taken back, since too many others failed.
    public var takenBack: [Host]
    /// Hosts that did not flip, or could not be taken back.
    public var failures: [HostFailure]
    /// Hosts that were lost after they had been told to flip, or to go back, and could not be asked again: they may
    /// have either release.
    public var uncertain: [Host]
    /// Whether too many hosts failed: then nothing was flipped, or it was taken back.
    public var isGivenUp: Bool

    /// Whether some hosts are left on another release than before although the flip was given up.
    public var isMixed: Bool { isGivenUp && flipped.contains(where: \.changed) }
}

extension FlippedHost {
    init(_ host: Host, _ outcome: FlipOutcome) {
        self.init(
            host: host, slot: outcome.slot, release: outcome.release,
            previousSlot: outcome.previousSlot == 0 ? nil : outcome.previousSlot, previous: outcome.previous,
            changed: outcome.changed, renamedAt: outcome.renamedAt)
    }
}
