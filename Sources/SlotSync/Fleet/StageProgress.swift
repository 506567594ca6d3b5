// How far a stage is over the fleet, in content and not in bytes on the wire: a host that copies from its other slots gets
// on as well as one that receives. Hosts say what there is to do when they have looked at their slot, and how far they
// are. FleetStage keeps one.

/// How far the slots of a fleet are filled. Neither the share nor the bytes ever become fewer.
public struct StageProgress: Sendable, Hashable {
    private struct Part: Hashable {
        /// What the agent had counted when it said what there is to do.
        var before: UInt64
        var planned: UInt64
        var made: UInt64 = 0

        var share: Double { planned == 0 ? 0 : Double(made) / Double(planned) }
    }

    private var parts: [Int: Part] = [:]
    private var ended: Set<Int> = []
    private let hostCount: Int
    /// Bytes of content that hosts have put into place: received, or copied from what they had.
    public private(set) var made: UInt64 = 0
    /// Bytes of content that there are to put into place on the hosts that have said so.
    private var plannedSoFar: UInt64 = 0

    init(hostCount: Int) { self.hostCount = hostCount }

    /// All bytes that there are to put into place; nil until every host has said what it lacks, or has ended.
    public var planned: UInt64? { parts.count + ended.count { parts[$0] == nil } == hostCount ? plannedSoFar : nil }

    /// How many hosts have said what they lack.
    public var heard: Int { parts.count }

    /// How much of the whole is done, 0 to 1. Every host counts for the same; one that has ended has nothing left to do.
    public var share: Double {
        guard hostCount > 0 else { return 1 }
        let shares = parts.reduce(0) { $0 + (ended.contains($1.key) ? 0 : $1.value.share) }
        return min(1, (Double(ended.count) + shares) / Double(hostCount))
    }

    /// A host has said what there is to do.
    ///
    /// - Parameters:
    ///   - before: what it has counted so far.
    ///   - planned: bytes of content to put into place.
    mutating func plan(_ host: Int, before: UInt64, planned: UInt64) {
        guard parts[host] == nil, !ended.contains(host) else { return }
        parts[host] = Part(before: before, planned: planned)
        plannedSoFar = plannedSoFar.addingSaturated(planned)
    }

    /// A host has come so far, as it counts. What it reads besides, or makes again, is no more than there was to do.
    mutating func note(_ host: Int, bytes: UInt64) {
        guard let part = parts[host], !ended.contains(host), bytes > part.before else { return }
        set(host, made: min(bytes - part.before, part.planned))
    }

    /// A host is through, or has failed.
    mutating func end(_ host: Int) {
        guard ended.insert(host).inserted, let part = parts[host] else { return }
        set(host, made: part.planned)
    }

    private mutating func set(_ host: Int, made bytes: UInt64) {
        guard let before = parts[host]?.made, bytes > before else { return }
        parts[host]?.made = bytes
        made = made.addingSaturated(bytes - before)
    }
}
