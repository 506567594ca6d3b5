// The patch of one stage for the whole fleet. Hosts join with what they need; hosts with equal needs are a cohort.
// Needs are gathered for a moment, grouped, and encoded once. Each host is told what to do next: which signatures it
// has to send, and which ranges of the spool it gets.

import SystemPackage

/// What a host's session has to do next.
enum PatchWork: Sendable {
    /// Ask the agent for these signatures, no more than one message holds, and deliver them.
    case signatures([BasisRequest])
    case frames([SpoolRange])
    /// All that the host needs has been handed to it.
    case end
}

@FleetActor
final class PatchLibrary {
    /// Needs are gathered at least for the lower bound after the first host's, and as long again as that host took.
    private let gatheringTime: ClosedRange<Duration>

    let pool: EncoderPool
    /// Called once, when all that was asked for is encoded and no host may ask for more, if any host took the release.
    var onEncoded: (@FleetActor () -> Void)?
    /// Bytes of all frames that were handed to all hosts so far.
    var plannedBytes: UInt64 = 0
    /// Why no host can be served any more: the source changed.
    private(set) var sourceFailure: SlotSyncError?
    let manifest: Manifest
    private let started = ContinuousClock.now
    /// How many hosts have not begun yet.
    private var unheard: Int
    /// Hosts that are at work and have not said yet what they need.
    private var expected: Set<Int> = []
    /// Some host has the release already, or takes it.
    private var isTaken = false
    private var gathering: [Member] = []
    private var gatheringEnds: ContinuousClock.Instant?
    /// Whether needs are being grouped, and whether those that were gathered meanwhile are to be grouped next.
    private var isGrouping = false
    private var isGatheringClosed = false
    private var parts = NeedsPool()
    private var cohorts = NeedsPool()
    private var groups = PairGroups()
    var encodings: [GroupEncoding] = []
    /// The hosts that need a group, and so have its bases.
    var subscribers: [[Member]] = []
    var ledger: SignatureLedger
    var isWatching = false
    private(set) var members: [Int: Member] = [:]

    /// A host that was told what it gets.
    final class Member {
        let host: Int
        let needs: [Need]
        /// Nil for a repair.
        let cohort: Int?
        let work: AsyncThrowingStream<PatchWork, any Error>.Continuation
        var openGroups: Set<Int> = []

        init(
            host: Int, needs: [Need], cohort: Int?, work: AsyncThrowingStream<PatchWork, any Error>.Continuation
        ) {
            self.host = host
            self.needs = needs
            self.cohort = cohort
            self.work = work
        }
    }

    init(
        encoder: PairEncoder, hostCount: Int, ledger: SignatureLedger = SignatureLedger(),
        gatheringTime: ClosedRange<Duration> = .milliseconds(200)...(.seconds(5))
    ) {
        unheard = hostCount
        self.ledger = ledger
        self.gatheringTime = gatheringTime
        pool = EncoderPool(encoder)
        manifest = encoder.source.manifest
    }

    /// How many different sets of needs there were.
    var cohortCount: Int { cohorts.lists.count }

    // MARK: Hosts

    func expect(_ host: Int) {
        unheard -= 1
        expected.insert(host)
    }

    /// A host has the release already.
    func notePresence() { isTaken = true }

    /// A host has ended, or needs nothing: it is not waited for.
    func withdraw(_ host: Int) {
        expected.remove(host)
        if let member = members.removeValue(forKey: host) {
            for group in member.openGroups {
                subscribers[group].removeAll { $0 === member }
                if subscribers[group].isEmpty { ledger.release(encodings[group].shelveSignatures()) }
            }
            gathering.removeAll { $0 === member }
            for basis in ledger.owed(by: host) { reassign(basis, ownerIsLost: true) }
        }
        closeGatheringIfComplete()
        // Others may be asked for what there was no room for.
        pump()
    }

    /// A part of what a host needs, held once for all hosts that need the same.
    func shared(_ needs: [Need]) -> [Need] { parts.shared(needs) }

    /// A host says what it needs.
    ///
    /// - Parameter isRepair: content that did not verify: encoded at once, nobody is waited for.
    func join(_ host: Int, needs: [Need], isRepair: Bool) throws -> AsyncThrowingStream<PatchWork, any Error> {
        if let sourceFailure { throw sourceFailure }
        for need in needs {
            guard Int(need.entry) < manifest.count, manifest.entries[Int(need.entry)].kind == .file else {
                throw SlotSyncError(
                    .protocolViolation, "the agent asked for entry \(need.entry), which is no file of the release")
            }
        }
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: PatchWork.self)
        let cohort = isRepair ? nil : cohorts.number(of: needs)
        let member = Member(
            host: host, needs: cohort.map { cohorts.lists[$0] } ?? needs, cohort: cohort, work: continuation)
        members[host] = member
        isTaken = true
        expected.remove(host)
        if needs.isEmpty {
            continuation.yield(.end)
            continuation.finish()
            closeGatheringIfComplete()
            return stream
        }
        gathering.append(member)
        if isRepair {
            closeGathering()
        } else {
            openGathering()
            closeGatheringIfComplete()
        }
        return stream
    }

    private func openGathering() {
        guard gatheringEnds == nil else { return }
        let now = ContinuousClock.now
        let end = now + min(gatheringTime.lowerBound + (now - started), gatheringTime.upperBound)
        gatheringEnds = end
        Task { @FleetActor in
            try? await Task.sleep(until: end, clock: .continuous)
            if self.gatheringEnds == end { self.closeGathering() }
        }
    }

    private func closeGatheringIfComplete() {
        if expected.isEmpty && !gathering.isEmpty { closeGathering() }
    }

    /// Groups what has been gathered, when earlier needs are grouped.
    private func closeGathering() {
        gatheringEnds = nil
        // Whoever comes later has lists of another length, most probably.
        parts = NeedsPool()
        guard !isGrouping, !gathering.isEmpty, sourceFailure == nil else {
            isGatheringClosed = isGrouping
            return
        }
        isGatheringClosed = false
        isGrouping = true
        let gathered = gathering
        gathering = []
        Task { @FleetActor in
            await group(gathered)
            isGrouping = false
            if isGatheringClosed { closeGathering() }
            pump()
        }
    }

    /// Groups the needs of hosts, and makes ready for encoding what is new.
    private func group(_ gathered: [Member]) async {
        // Equal needs are one cohort.
        var numbers: [Int: Int] = [:]
        var distinct: [[Need]] = []
        let positions = gathered.map { member in
            if let known = member.cohort.flatMap({ numbers[$0] }) { return known }
            if let cohort = member.cohort { numbers[cohort] = distinct.count }
            distinct.append(member.needs)
            return distinct.count - 1
        }
        let (needed, new) = await grouped(distinct)
        guard sourceFailure == nil else { return }
        fleetLog.debug(
            "gathered needs",
            metadata: [
                "hosts": "\(gathered.count)", "cohorts": "\(distinct.count)", "groups": "\(new.count)",
                "pairs": "\(new.reduce(0) { $0 + groups.pairs[$1].count })",
            ])
        encodings.append(contentsOf: new.map { _ in GroupEncoding() })
        subscribers.append(contentsOf: new.map { _ in [] })
        // Some may have been lost meanwhile.
        let present = zip(gathered, positions).filter { members[$0.0.host] === $0.0 }
        for (member, position) in present {
            for group in needed[position] {
                subscribers[group].append(member)
                member.openGroups.insert(group)
                hand(encodings[group].frames, to: member)
            }
        }
        for group in new {
            for need in groups.pairs[group] { begin(need, in: group) }
        }
        for group in encodings.indices where !subscribers[group].isEmpty {
            for need in encodings[group].takeShelved() { begin(need, in: group) }
        }
        for (member, _) in present { endIfServed(member) }
    }

    /// Groups away from the actor: a fleet that came apart has millions of pairs. Nobody else uses the groups
    /// meanwhile.
    private func grouped(_ needs: [[Need]]) async -> (needed: [[Int]], new: Range<Int>) {
        let earlier = groups
        groups = PairGroups()
        let (result, now) = await onQueue {
            var groups = earlier
            let result = groups.add(needs)
            return (result, groups)
        }
        groups = now
        return (result.groups, result.new)
    }

    private func begin(_ need: Need, in group: Int) {
        let entry = Int(need.entry)
        let size = manifest.entries[entry].size
        guard let basis = need.basis else {
            encodings[group].append(EncodingJob(entry: entry), size: size)
            return
        }
        if let length = pool.encoder.cache?.length(of: basis) {
            encodings[group].append(EncodingJob(entry: entry, basis: .kept(basis)), size: max(size, length))
        } else if encodings[group].wait(entry, for: basis) {
            ledger.want(basis, for: group, size: size)
        }
    }

    // MARK: The end

    func tellIfEncoded() {
        guard isTaken, unheard <= 0, expected.isEmpty, gathering.isEmpty, !isGrouping, sourceFailure == nil,
            let onEncoded,
            encodings.indices.allSatisfy({ encodings[$0].isDone || subscribers[$0].isEmpty })
        else { return }
        self.onEncoded = nil
        onEncoded()
    }

    /// Ends the stage for all hosts: the source does not hold what the manifest says.
    func fail(_ error: any Error) {
        guard sourceFailure == nil else { return }
        let failure =
            error as? SlotSyncError ?? SlotSyncError(.system, "cannot encode the patch", errno: error as? Errno)
        sourceFailure = failure
        for member in members.values { member.work.finish(throwing: failure) }
    }
}
