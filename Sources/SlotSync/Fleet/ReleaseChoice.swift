// Decides which release a flip or a rollback is about, where its caller does not give an ID. It goes by what all hosts
// say of their rings, before any of them is asked for more. FleetFlip calls it.

/// The hosts' rings as they were when their sessions began.
package struct ReleaseChoice {
    let direction: FlipRequest.Direction
    /// In the fleet's order; a ring is nil where the root holds none yet.
    let rings: [(host: Host, ring: RingStatus?)]
    /// What commands are told to be typed with.
    var words = FleetWords()
    /// What became of asking for the locks.
    var way = MadeWay()

    package init(
        direction: FlipRequest.Direction, rings: [(host: Host, ring: RingStatus?)], words: FleetWords = FleetWords()
    ) {
        (self.direction, self.rings, self.words) = (direction, rings, words)
    }

    /// - Returns: nil where no host could be asked.
    /// - Throws: ``SlotSyncError`` if the hosts do not agree, have no such release, or only a bad one.
    package func choose(_ selector: ReleaseSelector) throws -> ContentDigest? {
        guard !rings.isEmpty else { return nil }
        switch selector {
        case .id(let id): return id
        case .text(let text):
            let lookup = ReleaseLookup(rings: rings.compactMap { host, ring in ring.map { (host, $0) } }, words: words)
            return try lookup.find(text, for: direction)
        case .usual where direction == .flip: return try readyRelease()
        case .usual: return try previousRelease()
        }
    }

    private func readyRelease() throws -> ContentDigest {
        let what = "is ready"
        let isStaged = rings.contains { $0.ring?.nextRelease != nil }
        let groups = hosts { isStaged ? $0.nextRelease : $0.badNextRelease }
        if groups.count > 1 { throw disagreement(groups, what) { words.command("flip", "\($0)", on: $1) } }
        if let agreed = groups.first {
            if isStaged { try refuseLeft(agreed.release) }
            return agreed.release
        }
        try refusePassed()
        // `stage` and `flip` run again for a release that is live already: there is nothing to do.
        let live = Set(rings.map { $0.ring?.liveRelease?.id })
        guard live.count == 1, let everywhere = live.first, let everywhere else {
            throw nothing(what, "stage one first")
        }
        try refuseBad()
        return everywhere
    }

    private func previousRelease() throws -> ContentDigest {
        let ways = waysBack
        // Where they differ, most hosts decide; of as many, those of the host that was named first. Who is there already
        // is no reason to move the others away from where they are.
        let targets =
            Set(ways.map(\.release)).count == 1 ? ways.map(\.release) : ways.filter { !$0.isThere }.map(\.release)
        let votes = Dictionary(grouping: ways, by: \.release).mapValues(\.count)
        guard let most = targets.map({ votes[$0] ?? 0 }).max(), let chosen = targets.first(where: { votes[$0] == most })
        else {
            let groups = groups(of: ways.map { ($0.host, $0.release) })
            guard groups.isEmpty else { throw disagreementOnWay(groups, "was live before") }
            throw nothing(
                "was live before another one, and is still there",
                "there is no way back. \(waysOn)To put another release in place of this one: "
                    + words.command("push", "SOURCE", "--no-canary"))
        }
        return chosen
    }

    /// What else stands whole on the hosts, such as what they went back from, with the command that goes to it; empty:
    /// nothing.
    private var waysOn: String {
        let others = hosts { ring in
            let open = ring.slots.filter {
                [.ready, .retired].contains($0.state) && $0.release?.id != ring.liveRelease?.id
            }
            return open.max { ($0.since, $0.stage) < ($1.since, $1.stage) }?.release
        }
        let most = others.sorted { $0.hosts.count > $1.hosts.count }.prefix(Self.mostWaysOn)
        return most.map { way in
            let some = way.hosts.count == rings.count ? nil : way.hosts
            return "Release \(way.release) is still there: \(words.command("flip", "\(way.release)", on: some)). "
        }.joined()
    }

    /// How many releases are named that hosts could go to instead.
    private static let mostWaysOn = 3

    // MARK: Ways back

    /// Where a host goes back to by itself.
    private struct WayBack {
        var host: Host
        var ring: RingStatus
        var release: ContentDigest
        /// Whether it is live there: the host has gone back already, or never had what the others go back from.
        var isThere = false

        func holds(_ release: ContentDigest) -> Bool { ring.slots.contains { $0.holds(release) } }
    }

    /// In the fleet's order.
    private var waysBack: [WayBack] {
        let targets = Set(rings.compactMap { previous($0.host, $0.ring) })
        return rings.compactMap { host, ring in
            guard let ring else { return nil }
            let noted = noted(host, ring)
            if let live = ring.liveRelease?.id, noted.map({ $0 == live }) ?? targets.contains(live) {
                return WayBack(host: host, ring: ring, release: live, isThere: true)
            }
            return previous(host, ring).map { WayBack(host: host, ring: ring, release: $0) }
        }
    }

    /// A host that has just gone back, since its flip had not been confirmed, or because its push gave way, has done what
    /// is asked.
    private func previous(_ host: Host, _ ring: RingStatus?) -> ContentDigest? {
        guard let ring else { return nil }
        if let noted = noted(host, ring) { return noted }
        return ring.wentBack == nil ? ring.previous.flatMap { ring[$0].release?.id } : ring.liveRelease?.id
    }

    /// Where the command that gave way says that a rollback leads, if it can be so: a note of an earlier command stays
    /// where the lock's file cannot be written.
    private func noted(_ host: Host, _ ring: RingStatus) -> ContentDigest? {
        way.wayBacks[host].flatMap { noted in
            let known = [ring.liveRelease?.id, ring.previous.flatMap { ring[$0].release?.id }]
            return known.contains(noted) ? noted : nil
        }
    }

    /// Hosts that stay out of a rollback where the ways back differ, and why: those that are where others go back to, and
    /// those that do not have what most hosts go back to.
    package func refusals(of chosen: ContentDigest?, by selector: ReleaseSelector) -> [HostFailure] {
        guard let chosen, selector == .usual else { return [] }
        return waysBack.filter { $0.release != chosen }.compactMap { way in
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

    /// The hosts by the release that `release` says of their rings, where it says one; by its ID.
    private func hosts(by release: (RingStatus) -> ReleaseName?) -> [(release: ContentDigest, hosts: [Host])] {
        groups(of: rings.compactMap { host, ring in ring.flatMap(release).map { (host, $0.id) } })
    }

    private func groups(of hosts: [(Host, ContentDigest)]) -> [(release: ContentDigest, hosts: [Host])] {
        Dictionary(grouping: hosts, by: \.1).sorted { $0.key < $1.key }.map { ($0.key, $0.value.map(\.0)) }
    }

    private func disagreementOnWay(
        _ groups: [(release: ContentDigest, hosts: [Host])], _ what: String
    ) -> SlotSyncError {
        disagreement(groups, what) { words.command("rollback", "--to", "\($0)", on: $1) }
    }

    private func fold(_ hosts: [Host]) -> String { HostList.fold(hosts.map(\.label)) }

    /// - Parameter command: what names one of the releases, for its hosts.
    private func disagreement(
        _ groups: [(release: ContentDigest, hosts: [Host])], _ what: String,
        _ command: (ContentDigest, [Host]) -> String
    ) -> SlotSyncError {
        let sides = groups.map { "\($0.release.description.prefix(8)) on \(fold($0.hosts))" }
        let commands = groups.map { command($0.release, $0.hosts) }
        return SlotSyncError(
            .notReady,
            "the hosts do not agree on which release \(what): \(sides.joined(separator: ", ")). Name one for each: "
                + commands.joined(separator: "; "))
    }

    /// What was staged before a rollback, or before a release that turned out bad, may be what the rollback was for: it
    /// has to be named.
    private func refusePassed() throws {
        let groups = hosts { ring in ring.passedSlot.flatMap { ring[$0].release } }
        guard let first = groups.first else { return }
        let others = groups.count > 1 ? ", and others" : ""
        throw SlotSyncError(
            .notReady,
            "\(fold(first.hosts)): release \(first.release) is ready\(others), but the hosts went back since it was "
                + "staged, so it is not flipped to by itself: \(words.command("flip", "\(first.release)"))")
    }

    /// Hosts went back from a release that others were never flipped to, as after `push --canary-only`: the others would
    /// bring it to all.
    private func refuseLeft(_ release: ContentDigest) throws {
        let hosts = rings.filter { $0.ring?.wasLeft(release) ?? false }.map(\.host)
        guard !hosts.isEmpty else { return }
        throw SlotSyncError(
            .notReady,
            "\(fold(hosts)): went back from release \(release), which is ready on other hosts, so it is not flipped to by "
                + "itself: \(words.command("flip", "\(release)"))")
    }

    private func nothing(_ what: String, _ how: String) -> SlotSyncError {
        SlotSyncError(
            .notReady, "\(fold(rings.map(\.host))): no host has a release that \(what): \(how)")
    }

    /// Whoever staged a release that is bad, wherever it stands, must not hear that all is done. Which one is meant has
    /// to be said, since nothing was staged: force alone does not flip to what is left from long ago.
    private func refuseBad() throws {
        for (_, ring) in rings {
            guard let ring, let slot = ring.numbers.first(where: { ring[$0].state == .bad }),
                let id = ring[slot].release?.id
            else { continue }
            let hosts = rings.filter { $0.ring?.slots.contains { $0.state == .bad && $0.release?.id == id } ?? false }
            throw SlotSyncError(
                .notReady,
                "\(fold(hosts.map(\.host))): \(ring.badText(of: slot)), and nothing else is staged: stage "
                    + "another one, or insist with `\(words.command("flip", "--force", "\(id)"))`")
        }
    }
}
