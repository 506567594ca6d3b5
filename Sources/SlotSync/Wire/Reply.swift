// The agent's messages to the controller. Each case is one message on the wire: docs/protocol.md has their bytes, and
// ReplyCoding writes and reads them.

/// A message from an agent to the controller.
enum Reply: Equatable, Sendable {
    /// First on every session. The ring is nil where the root holds none yet.
    case hello(Greeting, RingStatus?)
    /// The command failed on this host; the session ends.
    case failure(SlotSyncError)
    /// Something a person should know; the command goes on.
    case warning(String)
    /// Sent twice a second while a command runs: files and bytes done so far.
    case alive(files: UInt64, bytes: UInt64)
    /// Said before the needs of a stage: bytes as `alive` counts them, and how many bytes of content are to be put into
    /// place from then on, received or copied on the host.
    case plan(before: UInt64, planned: UInt64)
    /// Before `status`, where another session holds the root's lock; and in answer to `preempt`, then with whether it was
    /// asked to give way.
    case lock(RingLock, isAsked: Bool)
    /// Nobody holds the lock. Where a rollback is to lead after what the last holder did; nil: it changed nothing.
    case unlocked(wayBack: ContentDigest?)
    /// Said once, at any time: another command asks this session for the lock; which, and for whom.
    case giveWay(String)
    case status(RingStatus)
    /// The record of the release that the manifest was left out for, or written against, is damaged: the stage
    /// is to be asked for again, with the whole manifest.
    case manifestNeeded
    case present(StageOutcome)
    /// A part of what is needed. Hosts whose parts, all together, are equal are a cohort.
    case needs([Need], isLast: Bool)
    /// Files at shared paths that the host lacks, as indices into the seeds' manifest, rising.
    case seedsNeeded([UInt32], isLast: Bool)
    case signature(basis: ContentDigest, Signature)
    /// The host no longer has that basis.
    case signatureMissing(basis: ContentDigest)
    case staged(StageOutcome)
    case prepared(FlipOutcome)
    case hookDone
    case flipped(FlipOutcome)
    case confirmed
    case verified(SlotVerification)
    /// For each source why it could not be set up, or nil; it is tried again with each sample.
    case watching([String?])
    /// The number of the request, and what the sources gave.
    case sample(UInt32, HostReadings)
}
