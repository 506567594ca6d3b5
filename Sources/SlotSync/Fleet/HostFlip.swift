// A flip as a FleetConnection asks for it, host by host. PushDriver, and whoever leads a flip of their own, makes one.

/// A flip as each host by itself is asked for it.
public struct HostFlip: Sendable, Hashable {
    /// The ID of the release, which the hosts have staged.
    public var release: ContentDigest
    /// What runs on the host before and after it.
    public var hooks: Hooks
    /// Flip to a release that is bad, too, or that was changed in its slot.
    public var force: Bool
    /// The host goes back by itself when it hears nothing of the controller for so long (1 s to 10 minutes), until the
    /// flip is confirmed; nil: it stands.
    public var provisionalLimit: Duration?

    /// A flip that stands, without hooks, unless more is said.
    public init(release: ContentDigest, hooks: Hooks = Hooks(), force: Bool = false, provisionalLimit: Duration? = nil)
    {
        self.release = release
        self.hooks = hooks
        self.force = force
        self.provisionalLimit = provisionalLimit
    }
}

extension FlipRequest {
    /// What a direction runs of a caller's hooks: going back has one alone.
    package init(
        _ direction: Direction, to release: ContentDigest?, hooks: Hooks, provisionalLimit: Duration? = nil, force: Bool
    ) {
        self.init(
            direction: direction, release: release, beforeHook: direction == .flip ? hooks.beforeFlip : "",
            afterHook: direction == .flip ? hooks.afterFlip : hooks.onTheWayBack, undoHook: hooks.onTheWayBack,
            provisionalLimit: provisionalLimit, force: force)
    }

    init(_ flip: HostFlip) {
        self.init(
            .flip, to: flip.release, hooks: flip.hooks, provisionalLimit: flip.provisionalLimit, force: flip.force)
    }
}
