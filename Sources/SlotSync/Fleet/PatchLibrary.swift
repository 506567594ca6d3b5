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
    /// A host that owes signatures and delivers none for so long is not waited for.
    private static let signaturePatience = Duration.seconds(3)

    let encoder: PairEncoder
    private let manifest: Manifest
    private let started = ContinuousClock.now
    /// Hosts that are at work and have not said yet what they need.
    private var expected: Set<Int> = []
    private var gathering: [Member] = []
    private var gatheringEnds: ContinuousClock.Instant?
    private var groups = PairGroups()
    private var states: [GroupState] = []
    /// Hosts whose needs are equal share one list of them.
    private var cohorts: [[Pair]: Cohort] = [:]
    private var signatures: [ContentDigest: SignatureState] = [:]
    /// When a host that owes signatures last got on.
    private var lastProgress: [Int: ContinuousClock.Instant] = [:]
    /// Why no host can be served any more: the source changed.
    private(set) var sourceFailure: SlotSyncError?
    private var activeEncoders = 0
    private var members: [Int: Member] = [:]

    /// A host that was told what it gets.
    private final class Member {
        let host: Int
        let work: AsyncThrowingStream<PatchWork, any Error>.Continuation
        let cohort: Cohort
        var openGroups: Set<Int> = []
        init(host: Int, cohort: Cohort, work: AsyncThrowingStream<PatchWork, any Error>.Continuation) {
            self.host = host
            self.cohort = cohort
            self.work = work
        }
    }

    /// What some hosts need, held once for all of them.
    private final class Cohort {
        let pairs: [Pair]
        /// Contents that these hosts have.
        let bases: Set<ContentDigest>
        init(pairs: [Pair]) {
            self.pairs = pairs
            bases = Set(pairs.lazy.compactMap(\.basis))
        }
    }

    private struct GroupState {
        var frames: [SpoolRange] = []
        var subscribers: [Member] = []
        /// Pairs whose signature is still awaited, by basis.
        var waiting: [ContentDigest: [Pair]] = [:]
        var ready = EncodingQueue()
        var activeBatches = 0
        var isDone: Bool { waiting.isEmpty && ready.isEmpty && activeBatches == 0 }
    }

    private struct SignatureState {
        var owner: Int
        var groups: Set<Int>
        var askedAt: ContinuousClock.Instant
        var tried: Set<Int>
    }

    init(encoder: PairEncoder) {
        self.encoder = encoder
        manifest = encoder.source.manifest
    }

    /// How many different sets of needs there were.
    var cohortCount: Int { cohorts.count }

    /// Bytes of all frames that were handed to all hosts so far.
    private(set) var plannedBytes: UInt64 = 0

    private func hand(_ ranges: [SpoolRange], to member: Member) {
        guard !ranges.isEmpty else { return }
        plannedBytes += ranges.reduce(0) { $0 + UInt64($1.length) }
        member.work.yield(.frames(ranges))
    }

    // MARK: Hosts

    func expect(_ host: Int) { expected.insert(host) }

    /// A host has ended, or needs nothing: it is not waited for.
    func withdraw(_ host: Int) {
        expected.remove(host)
        if let member = members.removeValue(forKey: host) {
            for group in member.openGroups { states[group].subscribers.removeAll { $0 === member } }
            gathering.removeAll { $0 === member }
            for (basis, state) in signatures where state.owner == host { askAgain(basis) }
        }
        closeGatheringIfComplete()
    }

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
        let pairs = needs.map(Pair.init)
        let cohort = cohorts[pairs] ?? Cohort(pairs: pairs)
        if !isRepair { cohorts[pairs] = cohort }
        let member = Member(host: host, cohort: cohort, work: continuation)
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
        var numbers: [ObjectIdentifier: Int] = [:]
        var distinct: [[Pair]] = []
        for member in gathered where numbers[ObjectIdentifier(member.cohort)] == nil {
            numbers[ObjectIdentifier(member.cohort)] = distinct.count
            distinct.append(member.cohort.pairs)
        }
        let (needed, new) = groups.add(distinct)
        fleetLog.debug(
            "gathered needs",
            metadata: [
                "hosts": "\(gathered.count)", "cohorts": "\(distinct.count)", "groups": "\(new.count)",
                "pairs": "\(new.reduce(0) { $0 + groups.pairs[$1].count })",
            ])
        states.append(contentsOf: new.map { _ in GroupState() })
        for member in gathered {
            for group in numbers[ObjectIdentifier(member.cohort)].map({ needed[$0] }) ?? [] {
                states[group].subscribers.append(member)
                member.openGroups.insert(group)
                hand(states[group].frames, to: member)
            }
        }
        for group in new { begin(group) }
        askForSignatures(of: new)
        for member in gathered { endIfServed(member) }
        pump()
    }

    private func begin(_ group: Int) {
        for pair in groups.pairs[group] {
            if let basis = pair.basis {
                states[group].waiting[basis, default: []].append(pair)
            } else {
                makeReady(EncodingJob(entry: Int(pair.entry), signature: nil), in: group)
            }
        }
    }

    private func makeReady(_ job: EncodingJob, in group: Int) {
        states[group].ready.append(job, size: manifest.entries[job.entry].size)
    }

    // MARK: Signatures

    private func askForSignatures(of new: Range<Int>) {
        var requests: [Int: [BasisRequest]] = [:]
        for group in new {
            // In the order of the entries, so that neighbours come into one frame.
            for basis in groups.pairs[group].compactMap(\.basis) {
                if signatures[basis] != nil {
                    signatures[basis]?.groups.insert(group)
                    continue
                }
                // The host that answered first is the nearest, or the least busy.
                guard let owner = states[group].subscribers.first(where: { $0.cohort.bases.contains(basis) }) else {
                    continue
                }
                signatures[basis] = SignatureState(
                    owner: owner.host, groups: [group], askedAt: .now, tried: [owner.host])
                requests[owner.host, default: []].append(request(basis))
            }
        }
        for (host, requests) in requests {
            var rest = requests[...]
            while !rest.isEmpty {
                members[host]?.work.yield(.signatures(Array(rest.prefix(WireLimits.mostBasesPerRequest))))
                rest = rest.dropFirst(WireLimits.mostBasesPerRequest)
            }
        }
        if !requests.isEmpty { watchSignatures() }
    }

    private func request(_ basis: ContentDigest) -> BasisRequest {
        BasisRequest(basis: basis, blockLength: 0, seed: UInt64.random(in: .min ... .max))
    }

    /// A host delivers a signature, or says that it has the basis no longer.
    func deliver(_ signature: Signature?, of basis: ContentDigest, from host: Int) {
        guard let state = signatures[basis] else { return }
        guard let signature else {
            if state.owner == host { askAgain(basis) }
            return
        }
        settle(basis, with: signature)
        noteProgress(of: host)
        pump()
    }

    /// A host is getting on: what it owes has time again.
    func noteProgress(of host: Int) { lastProgress[host] = .now }

    private func settle(_ basis: ContentDigest, with signature: Signature?) {
        guard let state = signatures.removeValue(forKey: basis) else { return }
        for group in state.groups {
            for pair in states[group].waiting.removeValue(forKey: basis) ?? [] {
                makeReady(EncodingJob(entry: Int(pair.entry), signature: signature), in: group)
            }
        }
    }

    /// Asks another host that has the basis; where there is none, the content goes without one.
    ///
    /// - Parameter ownerIsLost: false if the owner is only late: then it is waited for if there is no other.
    private func askAgain(_ basis: ContentDigest, ownerIsLost: Bool = true) {
        guard let state = signatures[basis] else { return }
        fleetLog.debug(
            "no signature came",
            metadata: ["basis": "\(basis)", "asked": "\(state.tried.count)", "lost": "\(ownerIsLost)"])
        let others = state.groups.lazy.flatMap { self.states[$0].subscribers }
        if let next = others.first(where: { $0.cohort.bases.contains(basis) && !state.tried.contains($0.host) }) {
            signatures[basis]?.owner = next.host
            signatures[basis]?.askedAt = .now
            signatures[basis]?.tried.insert(next.host)
            next.work.yield(.signatures([request(basis)]))
        } else if ownerIsLost {
            settle(basis, with: nil)
            pump()
        }
    }

    private func watchSignatures() {
        Task { @FleetActor in
            while !self.signatures.isEmpty && self.sourceFailure == nil {
                try? await Task.sleep(for: .milliseconds(500))
                if Task.isCancelled { return }
                let limit = ContinuousClock.now - Self.signaturePatience
                let late = self.signatures.filter { basis, state in
                    state.askedAt < limit && self.lastProgress[state.owner].map { $0 < limit } ?? true
                }
                for basis in late.keys { self.askAgain(basis, ownerIsLost: false) }
            }
        }
    }

    // MARK: Encoding

    /// Starts as many encoders as there are cores and work.
    private func pump() {
        guard sourceFailure == nil else { return }
        for group in states.indices where !states[group].ready.isEmpty {
            while activeEncoders < encoder.parallelism,
                let batch = states[group].ready.takeBatch(
                    isComplete: states[group].waiting.isEmpty, allowsLong: activeEncoders == 0)
            {
                encode(batch.jobs, isLong: batch.isLong, of: group)
            }
        }
    }

    private func encode(_ batch: [EncodingJob], isLong: Bool, of group: Int) {
        activeEncoders += isLong ? encoder.parallelism : 1
        states[group].activeBatches += 1
        let encoder = encoder
        DispatchQueue.global().async {
            let result: Result<[SpoolRange], any Error>
            if isLong {
                result = Result {
                    try encoder.encodeLong(batch[0]) { range in
                        // The queue is serial: frames arrive in the order in which they were made.
                        FleetActor.queue.async { FleetActor.assumeIsolated { self.publish([range], of: group) } }
                    }
                    return []
                }
            } else {
                result = Result { try encoder.encode(batch) }
            }
            FleetActor.queue.async {
                FleetActor.assumeIsolated {
                    self.activeEncoders -= isLong ? encoder.parallelism : 1
                    self.states[group].activeBatches -= 1
                    switch result {
                    case .success(let ranges): self.publish(ranges, of: group)
                    case .failure(let error): self.fail(error)
                    }
                    self.pump()
                }
            }
        }
    }

    private func publish(_ ranges: [SpoolRange], of group: Int) {
        states[group].frames.append(contentsOf: ranges)
        for member in states[group].subscribers {
            hand(ranges, to: member)
            endIfServed(member)
        }
    }

    private func endIfServed(_ member: Member) {
        if member.openGroups.allSatisfy({ states[$0].isDone }) {
            member.work.yield(.end)
            member.work.finish()
        }
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
