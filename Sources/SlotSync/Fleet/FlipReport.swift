// What came of a flip or a rollback over the fleet. FleetFlip makes it of the hosts' outcomes.

/// What came of a flip or a rollback over the fleet.
public struct FlipReport: Sendable {
    /// What was flipped to; nil where no host got so far as to say, or hosts had gone back to different releases.
    public var release: ReleaseName?
    /// Hosts on which the release is live now.
    public var flipped: [(host: Host, outcome: FlipOutcome)]
    /// Hosts that were flipped and taken back, since too many others failed.
    public var takenBack: [Host]
    /// Hosts that did not flip, or could not be taken back.
    public var failures: [HostFailure]
    /// Hosts that were lost after they had been told to flip, or to go back, and could not be asked again: they may
    /// have either release.
    public var uncertain: [Host]
    /// Hosts of a rollback that have no slot with its release, and those where it is bad, in the fleet's order.
    public var withoutRelease: [Host] = []
    public var badOn: [Host] = []
    /// Hosts that did not go back with the others and have another release that was live before: the way back that is
    /// theirs, in the fleet's order.
    public var otherWays: [(host: Host, release: ContentDigest)] = []
    /// Hosts of a rollback that had gone back by themselves before it.
    public var returned: [Host] = []
    /// Whether the rollback led to where commands come from that were asked to give way: those went back by themselves, or
    /// were rolled back.
    public var endsPreempted = false
    /// Whether too many hosts failed: then nothing was flipped, or it was taken back.
    public var isGivenUp: Bool

    /// Whether some hosts are left on another release than before although the flip was given up.
    public var isMixed: Bool { isGivenUp && flipped.contains(where: \.outcome.changed) }
}
