// What a host asks a patch for. Made by the agent's planner, carried by `needs`, joined to pairs by the fleet.

/// Content that a host lacks, and what it could be made from.
struct Need: Hashable, Sendable, Comparable {
    /// The first entry of the manifest that has this content.
    var entry: UInt32
    /// Content that the host has and proposes as basis; nil: none, or a repair.
    var basis: ContentDigest?

    /// By entry.
    @inline(__always)
    static func < (left: Need, right: Need) -> Bool {
        if left.entry != right.entry { return left.entry < right.entry }
        guard let basis = left.basis else { return right.basis != nil }
        return right.basis.map { basis < $0 } ?? false
    }
}
