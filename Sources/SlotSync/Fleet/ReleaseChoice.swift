// Decides which release a flip or a rollback is about, where its caller does not give an ID. It goes by what all hosts
// say of their rings, before any of them is asked for more. FleetFlip calls it.

/// The hosts' rings as they were when their sessions began.
struct ReleaseChoice {
    let direction: FlipRequest.Direction
    /// In the fleet's order; a ring is nil where the root holds none yet.
    let rings: [(host: Host, ring: RingStatus?)]

    /// - Returns: nil where no host could be asked.
    /// - Throws: ``SlotSyncError`` if the hosts do not agree, have no such release, or only a bad one.
    func choose(_ selector: ReleaseSelector) throws -> ContentDigest? {
        guard !rings.isEmpty else { return nil }
        switch selector {
        case .id(let id): return id
        case .text(let text):
            let lookup = ReleaseLookup(rings: rings.compactMap { host, ring in ring.map { (host, $0) } })
            return try lookup.find(text, for: direction)
        case .usual where direction == .flip: return try readyRelease()
        case .usual: return try previousRelease()
        }
    }

    private func readyRelease() throws -> ContentDigest {
        let what = "is ready"
        let isStaged = rings.contains { $0.ring?.nextRelease != nil }
        let groups = hosts { isStaged ? $0.nextRelease : $0.badNextRelease }
        if groups.count > 1 { throw disagreement(groups, what) { "slotsync flip \($0)" } }
        if let agreed = groups.first { return agreed.release }
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
        // A host that has just gone back, since its flip had not been confirmed, has done what is asked.
        func target(_ ring: RingStatus) -> ReleaseName? {
            ring.wentBack == nil ? ring.previous.flatMap { ring[$0].release } : ring.liveRelease
        }
        var groups = hosts(by: target)
        if groups.count > 1 {
            // A host that is on a release which others go back to has been there already.
            let targets = Set(groups.map(\.release))
            groups = hosts { ring in
                ring.liveRelease.flatMap { targets.contains($0.id) ? $0 : nil } ?? target(ring)
            }
        }
        if groups.count > 1 {
            throw disagreement(groups, "was live before") { "slotsync rollback --to \($0)" }
        }
        guard let agreed = groups.first else {
            throw nothing(
                "was live before another one, and is still there",
                "there is no way back. To put another release in place of this one: slotsync push SOURCE --no-canary")
        }
        return agreed.release
    }

    /// The hosts by the release that `release` says of their rings, where it says one; by its ID.
    private func hosts(by release: (RingStatus) -> ReleaseName?) -> [(release: ContentDigest, hosts: [String])] {
        var hostsOf: [ContentDigest: [String]] = [:]
        for (host, ring) in rings {
            if let release = ring.flatMap(release) { hostsOf[release.id, default: []].append(host.label) }
        }
        return hostsOf.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// - Parameter command: what names one of the releases.
    private func disagreement(
        _ groups: [(release: ContentDigest, hosts: [String])], _ what: String, _ command: (ContentDigest) -> String
    ) -> SlotSyncError {
        let sides = groups.map { "\($0.release.description.prefix(8)) on \(HostList.fold($0.hosts))" }
        let commands = groups.map { group in
            "\(command(group.release)) --hosts \(ShellWords.quoted(HostList.fold(group.hosts)))"
        }
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
            "\(HostList.fold(first.hosts)): release \(first.release) is ready\(others), but the hosts went back since it was "
                + "staged, so it is not flipped to by itself: slotsync flip \(first.release)")
    }

    private func nothing(_ what: String, _ how: String) -> SlotSyncError {
        SlotSyncError(
            .notReady, "\(HostList.fold(rings.map(\.host.label))): no host has a release that \(what): \(how)")
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
                "\(HostList.fold(hosts.map(\.host.label))): \(ring.badText(of: slot)), and nothing else is staged: stage "
                    + "another one, or insist with `slotsync flip --force \(id)`")
        }
    }
}
