// The content of the table that `slotsync status` prints. TextTable aligns its columns.

import SlotSync

struct StatusTable {
    /// A host and its ring; nil: there is none yet.
    typealias Row = (host: Host, ring: RingStatus?)

    /// What is to be printed: the heading, a row a host, and what there is to say of provisional flips and of bad slots.
    let lines: [String]

    /// - Parameter words: what commands are told to be typed with.
    init(_ hosts: [Row], words: FleetWords = FleetWords()) {
        guard !hosts.isEmpty else {
            lines = []
            return
        }
        let heading = ["HOST", "LIVE", "PREVIOUS", "READY", "SLOTS"]
        lines =
            TextTable.aligned([heading] + hosts.map(Self.row)) + Self.locks(hosts) + Self.provisionalFlips(hosts)
            + Self.passed(hosts, words) + Self.otherSlots(hosts)
            + Self.badSlots(hosts)
    }

    private static func row(_ status: Row) -> [String] {
        guard let ring = status.ring else { return [status.host.label, "-", "-", "-", "no ring yet"] }
        func cell(_ release: ReleaseName?) -> String { release.map { escapedForDisplay($0.short) } ?? "-" }
        let slots = ring.slots.enumerated().map { "\($0 + 1) \($1.state)" }.joined(separator: "  ")
        return [
            status.host.label, cell(ring.liveRelease), cell(ring.previousRelease), cell(ring.readyRelease), slots,
        ]
    }

    /// Who changes something.
    private static func locks(_ hosts: [Row]) -> [String] {
        foldedByKind(hosts.compactMap { host, ring in ring?.lock.map { (host, "locked by \($0.text)") } })
    }

    /// Which flips nobody has confirmed yet.
    private static func provisionalFlips(_ hosts: [Row]) -> [String] {
        folded(
            hosts.compactMap { status in
                guard let ring = status.ring, let flip = ring.provisional else { return nil }
                let release = ring[flip.slot].release.map { " (release \($0.short))" } ?? ""
                let way = flip.from.map { "goes back to slot \($0)" } ?? "has nothing live again"
                return (
                    status.host,
                    "slot \(flip.slot)\(release) is live provisionally: the host \(way) when its controller ends, or "
                        + "is silent for \(TimeText.exact(flip.limit)), before it confirms the flip"
                )
            })
    }

    /// What is ready, and not flipped to without being named.
    private static func passed(_ hosts: [Row], _ words: FleetWords) -> [String] {
        folded(
            hosts.compactMap { status in
                guard let ring = status.ring, let slot = ring.passedSlot, let release = ring[slot].release else {
                    return nil
                }
                return (
                    status.host,
                    "slot \(slot) (release \(release.short)) is ready, but was staged before the host went back: "
                        + "`\(words.command("flip", "\(release.id)"))` flips to it"
                )
            })
    }

    /// What slots hold that no column names, so that it can be flipped to, or gone back to, by ID or name.
    private static func otherSlots(_ hosts: [Row]) -> [String] {
        folded(
            hosts.flatMap { host, ring -> [(host: Host, text: String)] in
                guard let ring else { return [] }
                let named = Set([ring.previousRelease?.id, ring.readyRelease?.id, ring.liveRelease?.id])
                return ring.numbers.compactMap { number in
                    let slot = ring[number]
                    guard let release = slot.release, !named.contains(release.id), number != ring.passedSlot else {
                        return nil
                    }
                    switch slot.state {
                    case .ready: return (host, "slot \(number) is ready, too: \(escapedForDisplay(release.short))")
                    case .retired: return (host, "slot \(number) was live: \(escapedForDisplay(release.short))")
                    case .staging: return (host, "slot \(number) is not whole: \(escapedForDisplay(release.short))")
                    case .empty, .live, .bad: return nil
                    }
                }
            })
    }

    /// Why slots are bad, hosts with the same to say together.
    private static func badSlots(_ hosts: [Row]) -> [String] {
        folded(
            hosts.flatMap { status in
                (status.ring?.slots ?? []).enumerated().filter { $1.state == .bad }.map { index, slot in
                    let release = slot.release.map { " (release \($0.short))" } ?? ""
                    let reason = slot.reason.isEmpty ? "" : ": \(slot.reason)"
                    return (status.host, "slot \(index + 1)\(release) is bad\(reason)")
                }
            })
    }
}
