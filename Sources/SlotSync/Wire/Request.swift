// The controller's messages to an agent. Each case is one message on the wire: docs/protocol.md has their bytes, and
// RequestCoding writes and reads them.

/// Fill next with a release.
struct StageRequest: Equatable, Sendable {
    var release: ReleaseName
    /// How many slots a new ring gets; an existing one must have as many. Nil: five, or whatever is there.
    var slots: Int?
    /// The live release, where the manifest that follows is written as a difference from its manifest.
    var base: ContentDigest?
    /// Bytes of the manifest that follows, inflated.
    var manifestLength: Int
    /// Hash what stands in next in place of trusting its stat tuples.
    var checksum: Bool
    /// Set owner and group as the manifest has them.
    var ownership: Bool
    /// Paths below `shared` to create where they are missing (the manifest holds the links).
    var sharedPaths: [[UInt8]]
    /// Say what is needed, change nothing, and stop after the needs.
    var dryRun: Bool
    /// Content comes whole: no basis is to be proposed for it.
    var wholeFiles = false
    /// What is done with entries of the slot that SlotSync did not put there.
    var foreign = ForeignPolicy.remove
    /// Those of `sharedPaths` that are files, whoever has them.
    var sharedFiles: [[UInt8]] = []
    /// Bytes of the manifest of what the source has at shared paths, inflated; it follows the other. 0: nothing.
    var seedsLength = 0
    /// A signature of the release; empty: none.
    var signature: [UInt8] = []
    /// The hooks (before and after the flip, and on the way back) of a flip that is to follow, so that a host whose policy
    /// does not allow them says so before it stages; empty texts: none. Nil: no flip follows.
    var hooksToCome: [String]?
}

/// Which release to make live, and which hooks go with it.
package struct FlipRequest: Equatable, Sendable {
    package enum Direction: UInt8, Sendable { case flip = 0, rollback }
    package var direction: Direction
    /// The slot's release; nil in a rollback: what was live before.
    package var release: ContentDigest?
    /// Shell commands; empty: none.
    package var beforeHook: String
    package var afterHook: String
    /// Runs on a host that is flipped back.
    package var undoHook: String
    /// The flip is provisional: the host takes it back unless it is confirmed, or when nothing comes from the
    /// controller for so long. Nil: it stands.
    package var provisionalLimit: Duration?
    /// Flip to a release that is bad.
    package var force = false
    /// A rollback that counts a host as gone back which did so by itself: the next one goes further.
    package var settlesReturn = false
}

/// A basis whose signature the controller wants.
struct BasisRequest: Equatable, Sendable {
    var basis: ContentDigest
    /// 0: by the size of the basis.
    var blockLength: Int
    var seed: UInt64
}

/// What to read of the host, and how often it will be asked for.
struct WatchRequest: Equatable, Sendable {
    /// From one sample to the next, in whole milliseconds; within `ReadingLimits.intervals`.
    var interval: Duration
    /// At most `ReadingLimits.mostSources`.
    var sources: [HostSource]
}

/// A message from the controller to an agent.
enum Request: Equatable, Sendable {
    /// First on every session, with what the controller calls the host.
    case hello(Greeting, host: String = "")
    /// → `status`
    case status
    /// Followed by `manifest` parts; → `present`, `manifestNeeded`, or `needs` parts.
    case stage(StageRequest)
    case manifest(DeflatedPart)
    /// A part of a file that the host lacks in `shared`, in the order in which it asked for them.
    case seed(DeflatedPart)
    /// → `signature`, one a basis, in this order.
    case signatures([BasisRequest])
    /// A frame of the patch; its content is what Patch/ writes.
    case frame(DeflatedPart)
    /// The cohort's frames are through: → `needs` again (the repair round), or `staged`.
    case framesEnd
    /// First phase of a flip: → `prepared`, with the lock held until `finish` or the session's end.
    case prepare(FlipRequest)
    /// Second phase: → `hookDone`
    case runBeforeHook
    /// Third phase: rename, then the after hook → `flipped`
    case commit
    /// Take the flip of this session back → `flipped`
    case undo
    /// The flip of this session is no longer provisional → `confirmed`
    case confirm
    /// The controller is there. No answer.
    case keepAlive
    /// Nobody shall flip to this release any more, and why → `status`
    case markBad(release: ContentDigest, reason: String)
    /// Ask whoever holds the root's lock to give way to a rollback → `lock`, or `unlocked` where nobody holds it
    case preempt
    /// Hash slots again and compare; nil: all that are sealed. → `verified`, one a slot, then `status`
    case verify(slot: Int?)
    /// Set up what is to be read of the host; what counts from one reading to the next begins here. → `watching`
    case watch(WatchRequest)
    /// Read all of it now → `sample`, with the same number.
    case sample(UInt32)
    /// Nothing more will come: the agent lets go of the lock and ends.
    case finish
}
