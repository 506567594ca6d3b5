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
        case .text(let text): return try ReleaseLookup(rings: rings.compactMap(\.ring)).find(text)
        case .usual where direction == .flip: return try readyRelease()
        case .usual:
            let agreed = try agreedRelease(what: "was live before", how: "--to") { ring in
                ring.previous.flatMap { ring[$0].release }
            }
            guard let agreed else { throw nothing("was live before", "name the release to go back to with --to") }
            return agreed
        }
    }

    private func readyRelease() throws -> ContentDigest {
        let what = "is ready in its next slot"
        let isStaged = rings.contains { $0.ring?.nextRelease != nil }
        let agreed = try agreedRelease(what: what, how: "RELEASE") { isStaged ? $0.nextRelease : $0.badNextRelease }
        if let agreed { return agreed }
        // `stage` and `flip` run again for a release that is live already: there is nothing to do.
        let live = Set(rings.map { $0.ring?.liveRelease?.id })
        guard live.count == 1, let everywhere = live.first, let everywhere else {
            throw nothing(what, "stage one first")
        }
        try refuseBad()
        return everywhere
    }

    /// The release on which all hosts agree that have one; nil if none has.
    private func agreedRelease(
        what: String, how: String, _ release: (RingStatus) -> ReleaseName?
    ) throws -> ContentDigest? {
        var hostsOf: [ContentDigest: [String]] = [:]
        for (host, ring) in rings {
            if let release = ring.flatMap(release) { hostsOf[release.id, default: []].append(host.label) }
        }
        guard hostsOf.count > 1 else { return hostsOf.keys.first }
        let groups = hostsOf.sorted { $0.key < $1.key }.map {
            "\($0.key.description.prefix(8)) on \(HostList.fold($0.value))"
        }
        throw SlotSyncError(
            .notReady,
            "the hosts do not agree on which release \(what): \(groups.joined(separator: ", ")). Name one: \(how)")
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
