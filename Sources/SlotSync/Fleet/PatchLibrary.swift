// The patch of one stage for the whole fleet. Hosts join with what they need; hosts with equal needs are
// a cohort. Needs are gathered for a moment, grouped, encoded once, and each host is told what to do next:
// which signatures are wanted of it, which ranges of the spool it gets.

import Dispatch
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
    /// Needs are gathered at least this long after the first host's, and as long again as that host took.
    private static let shortestGathering = Duration.milliseconds(200)
    private static let longestGathering = Duration.seconds(5)

    let encoder: PairEncoder
    /// Called once, when all that was asked for is encoded and no host is expected to ask for more.
    var onEncoded: (@FleetActor () -> Void)?
    /// Bytes of all frames that were handed to all hosts so far.
    private(set) var plannedBytes: UInt64 = 0
    /// Why no host can be served any more: the source changed.
    private(set) var sourceFailure: SlotSyncError?
    private let manifest: Manifest
    private let started = ContinuousClock.now
    /// Hosts that are at work and have not said yet what they need.
    private var expected: Set<Int> = []
    private var gathering: [Member] = []
    private var gatheringEnds: ContinuousClock.Instant?
    private var parts = NeedsPool()
    private var cohorts = NeedsPool()
    private var groups = PairGroups()
    private var encodings: [GroupEncoding] = []
    /// The hosts that need a group, and so have its bases.
    private var subscribers: [[Member]] = []
    private var ledger = SignatureLedger()
    private var isWatching = false
    private var activeEncoders = 0
    private var members: [Int: Member] = [:]

    /// A host that was told what it gets.
    private final class Member {
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

    init(encoder: PairEncoder) {
        self.encoder = encoder
        manifest = encoder.source.manifest
    }

    /// How many different sets of needs there were.
    var cohortCount: Int { cohorts.lists.count }

    // MARK: Hosts

    func expect(_ host: Int) { expected.insert(host) }

    /// A host has ended, or needs nothing: it is not waited for.
    func withdraw(_ host: Int) {
        expected.remove(host)
        if let member = members.removeValue(forKey: host) {
            for group in member.openGroups { subscribers[group].removeAll { $0 === member } }
            gathering.removeAll { $0 === member }
            for basis in ledger.owed(by: host) { turn(basis, ownerIsLost: true) }
        }
        closeGatheringIfComplete()
        tellIfEncoded()
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
        let end = now + min(Self.shortestGathering + (now - started), Self.longestGathering)
        gatheringEnds = end
        Task { @FleetActor in
            try? await Task.sleep(until: end, clock: .continuous)
            if self.gatheringEnds == end { self.closeGathering() }
        }
    }

    private func closeGatheringIfComplete() {
        if expected.isEmpty && !gathering.isEmpty { closeGathering() }
    }

    /// Groups what has been gathered and starts encoding what is new.
    private func closeGathering() {
        gatheringEnds = nil
        let gathered = gathering
        gathering = []
        guard !gathered.isEmpty, sourceFailure == nil else { return }
        // Equal needs are one cohort.
        var numbers: [Int: Int] = [:]
        var distinct: [[Need]] = []
        let positions = gathered.map { member in
            if let known = member.cohort.flatMap({ numbers[$0] }) { return known }
            if let cohort = member.cohort { numbers[cohort] = distinct.count }
            distinct.append(member.needs)
            return distinct.count - 1
        }
        let (needed, new) = groups.add(distinct)
        fleetLog.debug(
            "gathered needs",
            metadata: [
                "hosts": "\(gathered.count)", "cohorts": "\(distinct.count)", "groups": "\(new.count)",
                "pairs": "\(new.reduce(0) { $0 + groups.pairs[$1].count })",
            ])
        encodings.append(contentsOf: new.map { _ in GroupEncoding() })
        subscribers.append(contentsOf: new.map { _ in [] })
        for (member, position) in zip(gathered, positions) {
            for group in needed[position] {
                subscribers[group].append(member)
                member.openGroups.insert(group)
                hand(encodings[group].frames, to: member)
            }
        }
        for group in new {
            for need in groups.pairs[group] { begin(need, in: group) }
        }
        for member in gathered { endIfServed(member) }
        pump()
    }

    private func begin(_ need: Need, in group: Int) {
        let entry = Int(need.entry)
        let size = manifest.entries[entry].size
        guard let basis = need.basis else {
            encodings[group].append(EncodingJob(entry: entry), size: size)
            return
        }
        if let length = encoder.cache?.length(of: basis) {
            encodings[group].append(EncodingJob(entry: entry, basis: .kept(basis)), size: max(size, length))
        } else if encodings[group].wait(entry, for: basis) {
            ledger.want(basis, for: group, size: size)
        }
    }

    // MARK: Signatures

    private func askForSignatures() {
        let (questions, unavailable) = ledger.ask(at: .now, host: host)
        for (host, bases) in questions {
            var rest = bases[...]
            while !rest.isEmpty {
                ask(host, Array(rest.prefix(WireLimits.mostBasesPerRequest)))
                rest = rest.dropFirst(WireLimits.mostBasesPerRequest)
            }
        }
        for (basis, group) in unavailable { settle(basis, in: [group], with: nil) }
        if !questions.isEmpty { watchSignatures() }
    }

    /// A host that has the bases of a group, the first that answered: it is the nearest, or the least busy.
    private func host(of group: Int, besides tried: Set<Int>) -> Int? {
        subscribers[group].first { !tried.contains($0.host) }?.host
    }

    private func ask(_ host: Int, _ bases: [ContentDigest]) {
        let requests = bases.map {
            BasisRequest(basis: $0, blockLength: 0, seed: UInt64.random(in: .min ... .max))
        }
        members[host]?.work.yield(.signatures(requests))
    }

    /// A host delivers a signature, or says that it has the basis no longer.
    func deliver(_ signature: Signature?, of basis: ContentDigest, from host: Int) {
        if signature == nil {
            if ledger.isOwed(basis, by: host) { turn(basis, ownerIsLost: true) }
            return
        }
        settle(basis, in: ledger.settle(basis), with: signature)
        noteProgress(of: host)
        pump()
    }

    /// A host is getting on: what it owes has time again.
    func noteProgress(of host: Int) { ledger.noteProgress(of: host, at: .now) }

    private func settle(_ basis: ContentDigest, in groups: [Int], with signature: Signature?) {
        for group in groups {
            for entry in encodings[group].settle(basis) {
                ledger.hold(signature?.memoryLength ?? 0)
                encodings[group].append(
                    EncodingJob(entry: entry, signature: signature), size: manifest.entries[entry].size)
            }
        }
    }

    /// Asks another host that has the basis; where there is none, the content goes without one.
    private func turn(_ basis: ContentDigest, ownerIsLost: Bool) {
        let next = ledger.turn(basis, ownerIsLost: ownerIsLost, at: .now, host: host)
        fleetLog.debug("no signature came", metadata: ["basis": "\(basis)", "next": "\(next)"])
        switch next {
        case .ask(let host): ask(host, [basis])
        case .giveUp(let groups):
            settle(basis, in: groups, with: nil)
            pump()
        case .wait: break
        }
    }

    private func watchSignatures() {
        guard !isWatching else { return }
        isWatching = true
        Task { @FleetActor in
            while self.ledger.isOwed && self.sourceFailure == nil && !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(500))
                for basis in self.ledger.late(at: .now) { self.turn(basis, ownerIsLost: false) }
            }
            self.isWatching = false
        }
    }

    // MARK: Encoding

    /// Asks for what the window allows, and starts as many encoders as there are cores and work.
    private func pump() {
        guard sourceFailure == nil else { return }
        askForSignatures()
        for group in encodings.indices where !subscribers[group].isEmpty {
            while activeEncoders < encoder.parallelism,
                let batch = encodings[group].begin(isStalled: !ledger.isOwed, allowsLong: activeEncoders == 0)
            {
                encode(batch.jobs, isLong: batch.isLong, of: group)
            }
        }
        tellIfEncoded()
    }

    private func encode(_ batch: [EncodingJob], isLong: Bool, of group: Int) {
        let share = isLong ? encoder.parallelism : 1
        activeEncoders += share
        let encoder = encoder
        DispatchQueue.global().async {
            let result = Result {
                guard isLong else { return try encoder.encode(batch) }
                let isEncoded = try encoder.encodeLong(batch[0]) { range in
                    // The queue is serial: frames arrive in the order in which they were made.
                    FleetActor.queue.async { FleetActor.assumeIsolated { self.publish([range], of: group) } }
                }
                return (ranges: [], withoutBasis: isEncoded ? [] : batch)
            }
            FleetActor.queue.async {
                FleetActor.assumeIsolated {
                    self.activeEncoders -= share
                    self.end(batch, of: group, with: result)
                }
            }
        }
    }

    private func end(
        _ batch: [EncodingJob], of group: Int,
        with result: Result<(ranges: [SpoolRange], withoutBasis: [EncodingJob]), any Error>
    ) {
        for case .signature(let signature) in batch.lazy.map(\.basis) { ledger.release(signature.memoryLength) }
        encodings[group].end()
        switch result {
        case .success(let made):
            for case (let entry, .kept(let basis)) in made.withoutBasis.map({ ($0.entry, $0.basis) })
            where encodings[group].wait(entry, for: basis) {
                ledger.want(basis, for: group, size: manifest.entries[entry].size)
            }
            publish(made.ranges, of: group)
        case .failure(let error): fail(error)
        }
        pump()
    }

    private func publish(_ ranges: [SpoolRange], of group: Int) {
        encodings[group].append(ranges)
        for member in subscribers[group] {
            hand(ranges, to: member)
            endIfServed(member)
        }
    }

    private func hand(_ ranges: [SpoolRange], to member: Member) {
        guard !ranges.isEmpty else { return }
        plannedBytes += ranges.reduce(0) { $0 + UInt64($1.length) }
        member.work.yield(.frames(ranges))
    }

    private func endIfServed(_ member: Member) {
        if member.openGroups.allSatisfy({ encodings[$0].isDone }) {
            member.work.yield(.end)
            member.work.finish()
        }
    }

    private func tellIfEncoded() {
        guard expected.isEmpty, gathering.isEmpty, sourceFailure == nil, let onEncoded,
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
