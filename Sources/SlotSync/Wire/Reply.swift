// What an agent answers. Each case is one message on the wire; docs/protocol.md has their bytes,
// ReplyCoding.swift writes and reads them.

/// How a stage ended on a host.
struct StageOutcome: Hashable, Sendable {
    enum Kind: UInt8, Sendable {
        /// The slot was filled and sealed.
        case staged = 0
        /// The release was ready in next already.
        case alreadyReady
        /// The release is live already.
        case alreadyLive
        /// The release is there, and bad: it was rolled back here.
        case alreadyBad
    }
    var kind: Kind
    var slot: Int
    /// Files made from the wire, from copies on the host, and left as they were.
    var received: Int
    var copied: Int
    var kept: Int
}

/// How a flip stands on a host.
struct FlipOutcome: Hashable, Sendable {
    /// The slot that the flip makes live, and its release; after an undo, what it had made live.
    var slot: Int
    var release: ReleaseName
    /// The slot and release before; 0 and nil when there was none.
    var previousSlot: Int
    var previous: ReleaseName?
    /// False: it was live already.
    var changed: Bool
    /// The wall clock right after the rename, nanoseconds since 1970; 0 before it.
    var renamedAt: Int64
}

/// What hashing a slot again found.
struct SlotVerification: Hashable, Sendable {
    var slot: Int
    var release: ReleaseName
    var files: Int
    var bytes: UInt64
    var differences: Int
    /// One line each: what is wrong, and the path, quoted; at most `SlotDifferences.mostNamed`.
    var named: [String]
}

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
    case status(RingStatus)
    /// The record of the release that the manifest was left out for, or written against, is damaged: the stage
    /// is to be asked for again, with the whole manifest.
    case manifestNeeded
    case present(StageOutcome)
    /// A part of what is needed. Hosts whose parts, all together, are equal are a cohort.
    case needs([Need], isLast: Bool)
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
