// The plan for the hosts as staging found them. Rollout makes it after staging, `--dry-run` after a dry stage, so both
// do and say the same.

public import SlotSync

/// What staging found, by indices of the plan's hosts. No host stands in two of these; those in none of them have another
/// release live.
public struct StagedFleet: Sendable, Equatable {
    /// They could not be staged, or are not to be flipped to this release.
    public var failed: Set<Int> = []
    /// The release is live there already.
    public var live: Set<Int> = []
    /// Nothing is live there yet: they have no past to be compared with.
    public var new: Set<Int> = []

    /// Those that take no part.
    var absent: Set<Int> { failed.union(live) }
}

extension StagedFleet {
    /// Sorts a push's hosts by what staging came to.
    ///
    /// - Parameter force: whether hosts are flipped to a release that is marked bad there.
    public init(_ report: StageReport, of hosts: [Host], force: Bool) {
        let staged = Dictionary(report.hosts.map { ($0.host, $0) }) { first, _ in first }
        for (index, host) in hosts.enumerated() {
            guard let staged = staged[host], staged.refusal(of: report.release, force: force) == nil else {
                failed.insert(index)
                continue
            }
            if staged.outcome.kind == .alreadyLive {
                live.insert(index)
            } else if staged.live == nil {
                new.insert(index)
            }
        }
    }
}

extension StagedHost {
    /// Why the host is not flipped to the release: it was rolled back there before, and marked bad; nil: it is flipped.
    func refusal(of release: ReleaseName, force: Bool) -> String? {
        guard let badReason, !force else { return nil }
        return
            "release \(release.id) is bad\(badReason.isEmpty ? "" : " (\(badReason))"): push another one, or insist with "
            + "`slotsync push SOURCE --force`"
    }
}

extension RolloutPlan {
    /// The plan for the hosts that are left: of canaries chosen by number or share, the next in the order takes the place
    /// of one that is missing. The steps keep their sizes, as far as enough controls are left. New hosts are neither
    /// canaries nor controls, and are flipped with everybody.
    ///
    /// Where all that are left are new and the others have the release already, it was judged there or needs no judge any
    /// more: the new ones are flipped at once, unjudged, and ``mode`` says so.
    ///
    /// - Throws: ``SlotSyncError`` with the code `notReady`, in the words with which a push ends, if there is nothing to
    ///   compare with or too few hosts are left to judge by.
    public func settled(_ fleet: StagedFleet) throws(SlotSyncError) -> RolloutPlan {
        guard mode != .unjudged else { return unjudged(without: fleet.absent) }
        let left = hosts.indices.filter { !fleet.absent.contains($0) }
        if !left.isEmpty, left.allSatisfy(fleet.new.contains) {
            let names = names(left)
            guard !fleet.live.isEmpty else {
                throw SlotSyncError(
                    .notReady,
                    "nothing is live yet on \(names), so there is nothing to compare with: flip everybody at once with "
                        + command("push", "SOURCE", "--no-canary", on: left))
            }
            guard mode == .full else {
                throw SlotSyncError(
                    .notReady,
                    "nothing is live yet on \(names), and no other host is to be flipped, so there are no canaries: push "
                        + "without --canary-only, which flips them without judging")
            }
            return unjudged(without: fleet.absent)
        }
        return try judged(fleet)
    }

    /// What is to be said before the plan is followed; empty: nothing.
    public func remark(on fleet: StagedFleet) -> String {
        let new = hosts.indices.filter(fleet.new.contains)
        guard !new.isEmpty, isMeantToJudge else { return "" }
        let one = new.count == 1
        if mode == .unjudged {
            let live = names(hosts.indices.filter(fleet.live.contains))
            return
                "nothing is live yet on \(names(new)), and the release is live on \(live) already, so there is nothing to "
                + "compare with: \(one ? "it is" : "they are") flipped without being judged"
        }
        let what =
            mode == .full
            ? "\(one ? "it is" : "they are") flipped with everybody, without being judged"
            : "\(one ? "it is no canary" : "they are no canaries")"
        return "nothing is live yet on \(names(new)), so \(what)"
    }

    /// Why no canary that was named is left: which of them failed, which have the release, on which nothing is live.
    func whyNoCanary(of canaries: [Int], _ fleet: StagedFleet) -> String {
        let parts = [
            ("failed: ", fleet.failed), ("on the release already: ", fleet.live),
            ("with nothing live yet to compare with: ", fleet.new),
        ].compactMap { what, hosts -> String? in
            let those = canaries.filter(hosts.contains).sorted()
            return those.isEmpty ? nil : what + names(those)
        }
        return
            "no host of canary.hosts can be a canary (\(parts.joined(separator: "; "))): name others there, or push with "
            + "--no-canary"
    }

    /// What is to be said of each of some hosts, once for all with a sentence of one kind.
    func kinds(of some: [Int], _ text: (Int) -> String?) -> [(hosts: [String], text: String)] {
        Canary.kinds(of: some.compactMap { host in text(host).map { (hosts[host], $0) } }, words: words)
    }

    /// A command that is to be typed for some of the hosts.
    func command(_ command: String..., on some: [Int]) -> String {
        "`\(words.command(command, on: some.count == hosts.count ? nil : some.map { hosts[$0] }))`"
    }

    /// `web[003,017]`
    package func names(_ some: [Int]) -> String { HostList.fold(some.map { hosts[$0].label }) }
}
