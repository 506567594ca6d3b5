// A ring in a temporary folder whose slots are filled without a session: the controller's side is PairEncoder,
// called by the test. The steps of a stage stand alone, so that tests can get in between.

import Glibc
import SystemPackage

@testable import SlotSync

final class FillBench {
    let folder: TemporaryFolder
    private(set) var ring: Ring
    let progress = AgentProgress()
    /// How many threads look, copy and verify.
    var parallelism = 1
    private var sources = 0
    /// The slot that holds what is obsolete.
    private var obsolete: Int?

    init(slotCount: Int = 5) throws {
        folder = try TemporaryFolder()
        try Directory(path: folder.path("")).makeDirectory("root", mode: 0o755)
        ring = try Ring.make(folder.path("root").string, slotCount: slotCount)
    }

    deinit { folder.remove() }

    func slotPath(_ slot: Int) -> FilePath { folder.path("root/slots/\(slot)") }

    /// What another process finds: the ring opened anew, with the lock.
    func reopen() throws {
        ring.unlock()
        guard let opened = try Ring.open(folder.path("root").string) else {
            throw SlotSyncError(.notARing, "the ring is gone")
        }
        ring = opened
        try ring.acquireLock(for: "a test")
    }

    /// A release's tree at its source.
    func source(_ model: ReleaseModel, hardLinks: Bool = false) throws -> ReleaseSource {
        sources += 1
        let name = "source-\(sources)"
        try Directory(path: folder.path("")).makeDirectory(name, mode: 0o755)
        try model.write(to: folder.path(name))
        let root = try Directory(path: folder.path(name))
        var tree = try TreeWalk.walk(root, name: name, options: WalkOptions(hardLinks: hardLinks, parallelism: 1))
        try TreeHashing.hash(&tree, root: root, name: name, known: { _, _ in nil }, parallelism: 1)
        return ReleaseSource(root: root, name: name, manifest: tree.manifest)
    }

    /// A stage that has begun: the slot is marked, sources are saved.
    struct Fill {
        var source: ReleaseSource
        var slot: StageSlot
        var actual: SlotContent
        var plan: StagePlan
        var filler: SlotFiller
        var applier: FrameApplier
        var target: Manifest { source.manifest }
    }

    func begin(_ source: ReleaseSource, checksum: Bool = false, proposesBases: Bool = true) throws -> Fill {
        let fill = try plan(source, checksum: checksum, proposesBases: proposesBases)
        try fill.filler.moveAside()
        return fill
    }

    /// What precedes a stage's first change of the slot's content.
    func plan(
        _ source: ReleaseSource, checksum: Bool = false, proposesBases: Bool = true,
        late: LateEntries = LateEntries()
    ) throws -> Fill {
        let slot = obsolete.flatMap { ring.status[$0].state == .retired ? $0 : nil } ?? ring.status.next
        var leftovers: Set<ContentDigest> = []
        try ring.temporary.forEachName { name in
            if let digest = ContentDigest(String(decoding: name, as: UTF8.self)) { leftovers.insert(digest) }
        }
        let actual = try SlotInspection.content(
            of: slot, in: ring, record: ring.record(of: slot), checksum: checksum, parallelism: parallelism,
            progress: progress)
        let records = SlotRecords(of: ring)
        let planner = StagePlanner(
            ring: ring, slot: slot, actual: actual, records: records, leftovers: leftovers, blockSize: 4096,
            proposesBases: proposesBases, parallelism: parallelism)
        let plan = planner.plan(for: source.manifest)
        try ring.update { $0.beginStaging(ReleaseName(id: source.manifest.id), in: slot, at: 1) }
        let stageSlot = try StageSlot(slot, of: ring, target: source.manifest, plan: plan, progress: progress)
        let filler = SlotFiller(
            stageSlot, of: ring, actual: actual, plan: plan, records: records, leftovers: leftovers, setsOwner: false,
            late: late, parallelism: parallelism)
        return Fill(
            source: source, slot: stageSlot, actual: actual, plan: plan, filler: filler,
            applier: FrameApplier(writer: filler.writer, sources: filler.sources, needs: plan.needs))
    }

    /// The frames that a controller would send for these needs.
    func frames(_ needs: [Need], of fill: Fill, level: Int = 0) throws -> [DeflatedPart] {
        let encoder = PairEncoder(
            source: fill.source, spool: try Spool(), levels: .always(level), parallelism: 2,
            message: Request.frameMessage)
        var ranges: [SpoolRange] = []
        var small: [EncodingJob] = []
        for need in needs {
            let job = EncodingJob(
                entry: Int(need.entry), signature: try need.basis.flatMap { try signature(of: $0, fill) })
            if fill.target.entries[job.entry].size > PairEncoder.longestWhole {
                _ = try encoder.encodeLong(job, level: level) { ranges.append($0) }
            } else {
                small.append(job)
            }
        }
        ranges += try encoder.encode(small, level: level).ranges
        return try ranges.flatMap { try encoder.spool.frames($0) }
    }

    private func signature(of basis: ContentDigest, _ fill: Fill) throws -> Signature? {
        guard let basis = fill.filler.sources.basis(basis), basis.file != nil else { return nil }
        let bytes = try [UInt8](unsafeUninitializedCapacity: Int(basis.length)) { buffer, count in
            count = try basis.read(at: 0, into: UnsafeMutableRawBufferPointer(buffer))
        }
        return try Signature(of: bytes)
    }

    /// A controller that answers needs with frames at once.
    private final class Controller: StageController {
        private let bench: FillBench
        private let fill: Fill
        private let level: Int
        private var frames: ArraySlice<DeflatedPart> = []

        init(_ bench: FillBench, _ fill: Fill, level: Int) {
            self.bench = bench
            self.fill = fill
            self.level = level
        }

        func ask(for needs: [Need]) throws { frames = try bench.frames(needs, of: fill, level: level)[...] }
        func answer(from sources: SlotSources) throws {}
        func nextFrame(answeringFrom sources: SlotSources) throws -> DeflatedPart? { frames.popFirst() }
    }

    /// Fills the next slot as an agent does, with repairs, and seals it.
    func stage(_ source: ReleaseSource, level: Int = 0) throws {
        let fill = try plan(source)
        _ = try fill.filler.fill(Controller(self, fill, level: level))
        try seal(fill)
    }

    /// What is left to do after the first round of frames.
    func finish(_ fill: inout Fill) throws {
        while case let damaged = try fill.filler.endRound(fill.applier), !damaged.isEmpty {
            let repairs = damaged.map { Need(entry: UInt32($0), basis: nil) }
            fill.applier.expect(repairs)
            for frame in try frames(repairs, of: fill) { try fill.applier.apply(frame) }
        }
        try fill.filler.finish()
        try seal(fill)
    }

    private func seal(_ fill: Fill) throws {
        let record = try SlotSealer.record(of: fill.slot, seen: fill.filler.seenStamps, parallelism: 2)
        try SlotSealer.seal(record, release: ReleaseName(id: fill.target.id), of: fill.slot, in: ring)
        var names: [String] = []
        try ring.temporary.forEachName { names.append(String(decoding: $0, as: UTF8.self)) }
        for name in names { try ring.temporary.removeTree(name) }
    }

    /// Fills a slot with what is obsolete: the next stage fills it anew.
    func stageObsolete(_ source: ReleaseSource) throws {
        try stage(source)
        try ring.update { state in
            obsolete = state.status.readySlot
            if let slot = obsolete { state.status[slot].state = .retired }
        }
    }

    /// Makes the ready slot live.
    func flip() throws {
        let before = ring.status.live
        guard let slot = ring.status.readySlot else { throw SlotSyncError(.notReady, "nothing is ready") }
        _ = try ring.pointCurrent(at: slot)
        try ring.update { state in
            if let before { state.status[before].state = .retired }
            state.status[slot].state = .live
            state.status[slot].previous = before
        }
    }
}

extension SlotFiller {
    /// The steps of `fill` before the first frame, for tests that get in between.
    func prepare() throws {
        try removeObsolete()
        try makeFoldersAndLinks()
        try makeCopies {}
        try makeAnew(attributes.settle {})
    }

    /// The steps after the last one.
    func finish() throws {
        try makeHardLinks()
        try attributes.finish()
    }
}

extension Spool {
    /// The frames in a range that holds whole messages.
    func frames(_ range: SpoolRange) throws -> [DeflatedPart] {
        var position = range.offset
        var frames: [DeflatedPart] = []
        while position < range.offset + Int64(range.length) {
            let head = try bytes(at: position, 5)
            let length = head[..<4].reversed().reduce(0) { $0 << 8 | Int($1) }
            guard case .frame(let part) = try Request(type: head[4], payload: try bytes(at: position + 5, length - 1))
            else {
                throw SlotSyncError(.protocolViolation, "no frame in the spool")
            }
            frames.append(part)
            position += Int64(4 + length)
        }
        return frames
    }

    private func bytes(at offset: Int64, _ count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = try file.readFully(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
        }
    }
}

/// The error code of what `body` throws; nil if it throws none.
func errorCode(_ body: () throws -> Void) -> SlotSyncError.Code? {
    do {
        try body()
        return nil
    } catch let error as SlotSyncError { return error.code } catch { return SlotSyncError.Code(rawValue: "\(error)") }
}

/// What an error says; empty if there is none.
func errorMessage(_ body: () throws -> Void) -> String {
    do {
        try body()
        return ""
    } catch { return "\(error)" }
}
