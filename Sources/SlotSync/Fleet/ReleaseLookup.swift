// Finds a release by what a person typed: a full ID, the beginning of one, or a name, among all that the hosts' slots hold.
// A guess could go live on all hosts, so a beginning has some digits, and only one release has it. ReleaseChoice calls it.

struct ReleaseLookup {
    /// The beginning of an ID has at least so many digits.
    static let fewestDigits = 6

    let rings: [(host: Host, ring: RingStatus)]
    /// What commands are told to be typed with.
    private let words: FleetWords
    /// The releases in any slot of any host, and on how many hosts each has which name.
    private var known: [ContentDigest: [String: Int]] = [:]
    /// On how many hosts each release is.
    private var holders: [ContentDigest: Int] = [:]

    init(rings: [(host: Host, ring: RingStatus)], words: FleetWords = FleetWords()) {
        self.rings = rings
        self.words = words
        for (_, ring) in rings {
            let releases = Set(ring.slots.filter(\.state.isSealed).compactMap(\.release))
            for release in releases { known[release.id, default: [:]][release.name, default: 0] += 1 }
            for id in Set(releases.map(\.id)) { holders[id, default: 0] += 1 }
        }
    }

    /// Whether most of the hosts that have a release call it so: a name that one host has made up must not lead all of them
    /// to a release of its choice.
    private func isCalled(_ id: ContentDigest, _ name: String) -> Bool {
        2 * (known[id]?[name] ?? 0) > holders[id] ?? 0
    }

    /// - Throws: `unknownRelease` where nothing fits, or more than one.
    func find(_ text: String, for direction: FlipRequest.Direction = .flip) throws(SlotSyncError) -> ContentDigest {
        if let id = ContentDigest(text), known[id] != nil { return id }
        // A name wins over the beginning of an ID that happens to look like it.
        let named = text.isEmpty ? [] : known.filter { $0.value[text] != nil }.map(\.key)
        var found = named.filter { isCalled($0, text) }
        if found.count > 1, let meant = try meant(by: text, direction), found.contains(meant) { found = [meant] }
        if found.isEmpty { found = try begun(by: text) }
        if found.isEmpty, !named.isEmpty {
            throw SlotSyncError(
                .unknownRelease,
                "not most of the hosts that have it call a release \(quoted(text)): \(list(named)); give digits of the ID"
            )
        }
        switch found.count {
        case 1: return found[0]
        case 0:
            throw SlotSyncError(
                .unknownRelease,
                "no host has a release \(quoted(text)): `\(words.command("status"))` shows what there is; stage it first"
            )
        default:
            throw SlotSyncError(
                .unknownRelease,
                "release \(quoted(text)) is ambiguous: \(list(found)); give more digits of the ID")
        }
    }

    /// Which of several releases with one name is meant, if the hosts agree on that: in a flip the one that was staged
    /// last, ready or, where none is, live; in a rollback the one that it would go to by itself.
    ///
    /// - Throws: where that one was passed over: the hosts went back since it was staged, and an older one is not meant.
    private func meant(
        by name: String, _ direction: FlipRequest.Direction
    ) throws(SlotSyncError) -> ContentDigest? {
        let slots = rings.compactMap { _, ring -> SlotStatus? in
            let slot =
                switch direction {
                case .rollback: ring.previous
                case .flip: ring.newest(called: name).flatMap { ring.isPassed($0) ? nil : $0 }
                }
            return slot.map { ring[$0] }.flatMap { $0.release?.name == name ? $0 : nil }
        }
        // A host where it is not ready says so when it is to flip, and is no reason to take an older one.
        let ready = slots.filter { $0.state == .ready }
        if direction == .flip, ready.isEmpty { try refusePassed(name) }
        let meant = Set((ready.isEmpty || direction == .rollback ? slots : ready).compactMap(\.release?.id))
        return meant.count == 1 ? meant.first : nil
    }

    private func refusePassed(_ name: String) throws(SlotSyncError) {
        let passed = rings.compactMap { host, ring in
            ring.newest(called: name).flatMap { ring.isPassed($0) ? ring[$0].release?.id : nil }.map { (host, $0) }
        }
        guard let id = passed.first?.1 else { return }
        let hosts = HostList.fold(passed.filter { $0.1 == id }.map(\.0.label))
        throw SlotSyncError(
            .notReady,
            "\(hosts): of the releases that are called \(quoted(name)) the last one, \(id), is ready, but the hosts went "
                + "back since it was staged, so its ID has to be named: \(words.command("flip", "\(id)"))")
    }

    private func begun(by text: String) throws(SlotSyncError) -> [ContentDigest] {
        let text = text.lowercased()
        guard !text.isEmpty else { return [] }
        let found = known.keys.filter { $0.description.hasPrefix(text) }
        guard text.utf8.count < Self.fewestDigits else { return found }
        var hint = ""
        if let slot = Int(text) {
            var hostsOf: [ContentDigest: [String]] = [:]
            for (host, ring) in rings where ring.numbers.contains(slot) && ring[slot].state.isSealed {
                if let id = ring[slot].release?.id { hostsOf[id, default: []].append(host.label) }
            }
            hint = hostsOf.sorted { $0.key < $1.key }.map { id, hosts in
                "; slot \(slot) of \(HostList.fold(hosts)) holds release \(id.description.prefix(12))"
            }.joined()
        }
        guard !found.isEmpty || !hint.isEmpty else { return [] }
        let fitting = found.isEmpty ? "" : "; so begins \(list(found))"
        throw SlotSyncError(
            .unknownRelease,
            "no release has the name \(quoted(text)), and the beginning of an ID has at least \(Self.fewestDigits) digits"
                + fitting + hint)
    }

    private func list(_ releases: [ContentDigest]) -> String {
        releases.sorted().prefix(5).map { id in
            let name = known[id]?.keys.filter { !$0.isEmpty }.sorted().first
            return "\(id.description.prefix(12))\(name.map { " (\($0))" } ?? "")"
        }.joined(separator: ", ")
    }
}

extension RingStatus {
    /// The slot that was staged last of those that are ready or live and whose release has this name.
    fileprivate func newest(called name: String) -> Int? {
        numbers.filter { (self[$0].state == .ready || self[$0].state == .live) && self[$0].release?.name == name }
            .max { self[$0].stage < self[$1].stage }
    }

    /// Whether the hosts went back since a slot was staged that is ready.
    fileprivate func isPassed(_ slot: Int) -> Bool { self[slot].state == .ready && self[slot].stage <= passedStage }
}
