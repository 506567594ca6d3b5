// Decides which release a flip or a rollback is about, where its caller does not give an ID. It goes by what all hosts
// say of their rings, before any of them is asked for more; WaysBack.swift has where a rollback leads. FleetFlip calls it.

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

    /// - Returns: nil where no host could be asked, or where a rollback leads each to another release, and all are there.
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

    private func previousRelease() throws -> ContentDigest? {
        let ways = waysBack
        let done = Set(ways.filter(\.isDone).map(\.release))
        // A push took hosts back to what each had before.
        if done.count > 1, ways.allSatisfy({ $0.isThere && done.contains($0.release) }) { return nil }
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
            let lacking = rings.filter { $0.ring?.slots.contains { $0.holds(id) } != true }.map(\.host)
            let first = lacking.isEmpty ? "" : "stage it on \(fold(lacking)), too, and "
            throw SlotSyncError(
                .notReady,
                "\(fold(hosts.map(\.host))): \(ring.badText(of: slot)), and nothing else is staged: stage "
                    + "another one, or \(first)insist with `\(words.command("flip", "--force", "\(id)"))`")
        }
    }
}
