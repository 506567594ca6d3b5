// Every bound of the protocol, by name. Each end holds what it receives against these before it uses it, and keeps to
// them in what it sends. docs/protocol.md states the same figures.

/// The largest values that the protocol allows. All lengths are in bytes.
enum WireLimits {
    /// A message's type and payload together.
    static let longestMessage = 4 << 20 + 4 << 10
    /// The first message of a session, from either end.
    static let longestGreeting = 128 << 10

    /// What a part of a manifest or of the patch holds once it is inflated.
    static let longestPart = 1 << 20
    /// What a part may be as it travels: deflating makes a few bytes more of what cannot be compressed.
    static let longestTravellingPart = longestPart + 4 << 10
    /// A release's manifest, all parts together, inflated.
    static let longestManifest = 1 << 30

    /// How many times a host may ask again for what did not verify.
    static let mostRepairRounds = 3
    /// Few, since the controller holds a part of each host until it is whole.
    static let mostNeedsPerPart = 1 << 12
    static let mostBasesPerRequest = 1 << 16
    /// A signature must fit one message: 12 bytes a block, and a little before them.
    static let mostSignatureBlocks = (4 << 20) / 12

    static let mostSharedPaths = SharedPaths.mostPaths
    static let longestPath = 4096
    static let longestHook = 64 << 10

    /// ReadingLimits has the other bounds of what a host reads of itself, SlotVerification, ProvisionalFlip and
    /// SlotStatus those of the ring.
    static let longestIntervalInMilliseconds = 3_600_000

    /// An error's code: lower-case letters and dashes.
    static let longestErrorCode = 32
    /// Text that is only shown: errors, warnings, reasons, differences. The sender cuts what is longer.
    static let longestText = 4096
    /// The version and the name of a peer in its greeting.
    static let longestPeerText = 256

    /// Files, entries and differences, in what a host reports.
    static let mostFiles = Int(UInt32.max)
}
