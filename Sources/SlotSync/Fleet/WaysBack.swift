// Where a rollback that names no release leads, host by host, and who stays where it is: a host that went back by itself,
// or whose push gave way, has done what is asked. ReleaseChoice decides by it, FleetFlip carries it out.

extension ReleaseChoice {
    /// Where a host goes back to by itself.
    struct WayBack {
        var host: Host
        var ring: RingStatus
        var release: ContentDigest
        /// Whether it is live there: the host has gone back already, or never had what the others go back from.
        var isThere = false
        /// Whether it went there by itself, or because its push gave way: nothing is left to do there.
        var isDone = false

        func holds(_ release: ContentDigest) -> Bool { ring.slots.contains { $0.holds(release) } }
    }

    /// In the fleet's order.
    var waysBack: [WayBack] {
        let targets = Set(rings.compactMap { previous($0.host, $0.ring) })
        return rings.compactMap { host, ring in
            guard let ring else { return nil }
            let noted = noted(host, ring)
            if let live = ring.liveRelease?.id, noted.map({ $0 == live }) ?? targets.contains(live) {
                let isDone = noted != nil || ring.hasGoneBack
                return WayBack(host: host, ring: ring, release: live, isThere: true, isDone: isDone)
            }
            return previous(host, ring).map { WayBack(host: host, ring: ring, release: $0) }
        }
    }

    /// A host that has gone back by itself, since its flip had not been confirmed, or because its push gave way, has done
    /// what is asked.
    private func previous(_ host: Host, _ ring: RingStatus?) -> ContentDigest? {
        guard let ring else { return nil }
        if let noted = noted(host, ring) { return noted }
        return ring.hasGoneBack ? ring.liveRelease?.id : ring.previous.flatMap { ring[$0].release?.id }
    }

    /// Where the command that gave way says that a rollback leads, if it can be so: a note of an earlier command stays
    /// where the lock's file cannot be written.
    private func noted(_ host: Host, _ ring: RingStatus) -> ContentDigest? {
        way.wayBacks[host].flatMap { noted in
            let known = [ring.liveRelease?.id, ring.previous.flatMap { ring[$0].release?.id }]
            return known.contains(noted) ? noted : nil
        }
    }

    /// What a rollback does, host by host.
    package struct Course: Sendable {
        /// Hosts that are where they go by themselves, which is not where most go: they stay.
        package var ownReleases: [Host: ContentDigest] = [:]
        /// Whether it changes something anywhere, or a session or a command that gave way has done so for it: the next
        /// rollback then goes further.
        package var changesSomething = false
    }

    package func course(to chosen: ContentDigest?, by selector: ReleaseSelector) -> Course {
        var course = Course()
        if selector == .usual {
            for way in waysBack where way.isDone && way.release != chosen { course.ownReleases[way.host] = way.release }
        }
        course.changesSomething = rings.contains { host, ring in
            guard let ring else { return false }
            let target = course.ownReleases[host] ?? chosen
            return ring.wentBack != nil || noted(host, ring) != nil || ring.liveRelease?.id != target
        }
        return course
    }

    /// Hosts that stay out of a rollback where the ways back differ, and why: those that are where others go back to, and
    /// those that do not have what most hosts go back to.
    package func refusals(of chosen: ContentDigest?, by selector: ReleaseSelector) -> [HostFailure] {
        guard let chosen, selector == .usual else { return [] }
        return waysBack.filter { $0.release != chosen && !$0.isDone }.compactMap { way in
            guard way.isThere || !way.holds(chosen) else { return nil }
            return HostFailure(
                host: way.host,
                error: SlotSyncError(
                    .notReady,
                    way.isThere
                        ? "release \(way.release) is live here, to which a rollback leads, and on most hosts it leads to release "
                            + "\(chosen): left as it is"
                        : "release \(chosen), which most hosts go back to, is in no slot of this host, where release "
                            + "\(way.release) was live before"))
        }
    }

    /// The hosts' own ways back that lead elsewhere, and can be gone.
    func otherWays(than chosen: ContentDigest?, by selector: ReleaseSelector) -> [(host: Host, release: ContentDigest)]
    {
        guard selector == .usual, let chosen else { return [] }
        return waysBack.compactMap { way in
            let isOpen = way.ring.slots.contains { $0.state != .bad && $0.holds(way.release) }
            guard !way.isThere, way.release != chosen, isOpen, !way.holds(chosen) else { return nil }
            return (way.host, way.release)
        }
    }
}

extension RingStatus {
    /// Whether the host has gone back by itself, or is about to say so: nothing has changed there since.
    fileprivate var hasGoneBack: Bool {
        wentBack != nil || returned != nil || (live != nil && provisional?.from == live)
    }
}
