// What the whole patch turns on: a host says what it lacks, and equal needs are one piece of work.

/// Content that a host lacks, and what it could be made from.
struct Need: Hashable, Sendable {
    /// The first entry of the manifest that has this content.
    var entry: UInt32
    /// Content that the host has and proposes as basis; nil: none, or a repair.
    var basis: ContentDigest?
}
