// What a caller says of a flip or a rollback: which release, which hooks, and how many hosts may fail. FleetFlip reads
// it; the flips of a FleetConnection have hooks as well.

/// Shell commands that run on each host around a flip, with SLOTSYNC_ROOT, SLOTSYNC_SLOT and SLOTSYNC_RELEASE set.
public struct Hooks: Sendable, Hashable {
    /// Before any host flips; one that fails does not flip.
    public var beforeFlip = ""
    /// After the host flipped; one where it fails is taken back.
    public var afterFlip = ""
    /// After the host was rolled back, or its flip taken back; a failure is only told of. Nil: the same as `afterFlip`,
    /// since processes have to be told of one change as of the other; empty: none.
    public var afterRollback: String?

    /// How many bytes one may have.
    public static let longest = WireLimits.longestHook
    package static let tooLong = "a hook is longer than \(longest) bytes: put it into a script and call that"

    /// Empty: no hook.
    public init(beforeFlip: String = "", afterFlip: String = "", afterRollback: String? = nil) {
        self.beforeFlip = beforeFlip
        self.afterFlip = afterFlip
        self.afterRollback = afterRollback
    }

    /// What runs on a host that went back; empty: nothing.
    public var onTheWayBack: String { afterRollback ?? afterFlip }

    /// Whether none is too long.
    package var areUsable: Bool { [beforeFlip, afterFlip, onTheWayBack].allSatisfy { $0.utf8.count <= Self.longest } }
}

/// How a person or a script says which release is meant.
public enum ReleaseSelector: Sendable, Hashable {
    /// By its ID.
    case id(ContentDigest)
    /// A full ID, the beginning of one that only one release has, or a name. Of several releases with one name a flip takes
    /// the one that was staged last and not passed over.
    case text(String)
    /// flip: what was staged last, on which the hosts agree; rollback: what was live before.
    case usual
}

/// How a flip or a rollback is done.
public struct FlipOptions: Sendable {
    /// What runs on each host around it.
    public var hooks = Hooks()
    /// How many hosts may fail before everything is taken back. A rollback takes nothing back: each host that can goes
    /// back.
    public var maxFailures = HostPortion.none
    /// Flip to a release that is bad, too, or that was changed in its slot, or where somebody's own `current` is in the
    /// way.
    public var force = false

    /// A rollback alone: ask whoever holds a root's lock to give way, for as long as the fleet's ``Fleet/lockPatience``, or a
    /// minute. What such a command had flipped counts as gone back from: nothing goes further back.
    public var preempts = false

    /// No hooks, no failures allowed, nothing forced.
    public init() {}
}
