// One patch for many hosts: who is asked for what, what is encoded how often, and that nobody waits for ever.

import SystemPackage
import Testing

@testable import SlotSync

@Suite("The library of a stage's patch", .timeLimit(.minutes(1)))
@FleetActor
struct PatchLibraryTests {
    /// A source with files of these contents, named by their number, so that the entry of file `n` is `n + 1`.
    @FleetActor
    private final class Scene {
        let folder: TemporaryFolder
        let library: PatchLibrary
        let spool: Spool

        /// - Parameter kept: what the cache of bases holds.
        init(
            _ contents: [[UInt8]], parallelism: Int = 2, kept: [[UInt8]] = [],
            window: Int = SignatureLedger.usualWindow, hostCount: Int = 0,
            gatheringTime: ClosedRange<Duration> = .milliseconds(200)...(.seconds(5))
        ) throws {
            folder = try TemporaryFolder()
            let filling = BasisCacheFilling(try BasisCache(in: folder.path("caches"), limit: 1 << 30))
            for content in kept { content.withUnsafeBytes { filling.add($0, digest: ContentDigest(of: content)) } }
            try Directory(path: folder.path("")).makeDirectory("source")
            for (number, content) in contents.enumerated() { try folder.write(content, to: "source/\(100 + number)") }
            let root = try Directory(path: folder.path("source"))
            var tree = try TreeWalk.walk(root, name: "source", options: WalkOptions(parallelism: 1))
            try TreeHashing.hash(&tree, root: root, name: "source", known: { _, _ in nil }, parallelism: 1)
            let source = ReleaseSource(root: root, name: "source", manifest: tree.manifest)
            try filling.finish(ReleaseSource(root: root, name: "none", manifest: Manifest(rootMode: 0o755)))
            spool = try Spool()
            library = PatchLibrary(
                encoder: PairEncoder(
                    source: source, spool: spool, levels: .always(0), parallelism: parallelism,
                    cache: try BasisCache(in: folder.path("caches"), limit: 1 << 30), message: Request.frameMessage),
                hostCount: hostCount, ledger: SignatureLedger(window: window), gatheringTime: gatheringTime)
        }

        deinit { folder.remove() }

        /// The entries that the frames make, in their order, each piece once.
        func entries(_ ranges: [SpoolRange]) throws -> [Int] {
            var entries: [Int] = []
            for part in try ranges.flatMap({ try spool.frames($0) }) {
                var reader = InstructionReader(ByteReader(part.bytes, name: "frame"))
                while !reader.reader.isAtEnd {
                    let item = try reader.reader.patchItem()
                    if item.offset == 0 { entries.append(item.entry) }
                    try reader.skipItem(contentLength: item.length, basisLength: UInt64(Int64.max))
                }
            }
            return entries
        }
    }

    /// What a host was told until the end.
    private struct Told {
        var ranges: [SpoolRange] = []
        var asked: [ContentDigest] = []
    }

    private typealias Work = AsyncThrowingStream<PatchWork, any Error>

    /// Plays a host's session; `answer` gives what it says of a basis.
    private func serve(
        _ work: Work, host: Int, _ scene: Scene, answer: (ContentDigest) throws -> Signature? = { _ in nil }
    ) async throws -> Told {
        var told = Told()
        for try await step in work {
            switch step {
            case .frames(let ranges): told.ranges += ranges
            case .signatures(let requests):
                told.asked += requests.map(\.basis)
                for request in requests {
                    scene.library.deliver(try answer(request.basis), of: request.basis, from: host)
                }
            case .end: return told
            }
        }
        throw SlotSyncError(.cancelled, "the work ended without its end")
    }

    private func contents(_ count: Int, size: Int = 400) -> [[UInt8]] {
        var random = SeededGenerator(seed: 1)
        return (0..<count).map { _ in random.bytes(size) }
    }

    private func needs(_ entries: some Sequence<Int>, basis: [Int: ContentDigest] = [:]) -> [Need] {
        entries.map { Need(entry: UInt32($0), basis: basis[$0]) }
    }

    @Test("hosts with equal needs are one cohort, and get the very same bytes")
    func oneCohort() async throws {
        let scene = try Scene(contents(20))
        for host in 0..<3 { scene.library.expect(host) }
        let works = try (0..<3).map { try scene.library.join($0, needs: needs(1...20), isRepair: false) }
        var told: [Told] = []
        for (host, work) in works.enumerated() { told.append(try await serve(work, host: host, scene)) }
        #expect(scene.library.cohortCount == 1)
        #expect(try scene.entries(told[0].ranges) == Array(1...20))
        #expect(told[1].ranges == told[0].ranges && told[2].ranges == told[0].ranges)
    }

    @Test("cohorts share the frames of what they have in common")
    func severalCohorts() async throws {
        let scene = try Scene(contents(30))
        for host in 0..<2 { scene.library.expect(host) }
        let first = try scene.library.join(0, needs: needs(1...20), isRepair: false)
        let second = try scene.library.join(1, needs: needs(11...30), isRepair: false)
        let told = (try await serve(first, host: 0, scene), try await serve(second, host: 1, scene))
        #expect(scene.library.cohortCount == 2)
        #expect(try scene.entries(told.0.ranges).sorted() == Array(1...20))
        #expect(try scene.entries(told.1.ranges).sorted() == Array(11...30))
        #expect(try scene.entries(told.0.ranges.filter(told.1.ranges.contains)) == Array(11...20))
    }

    @Test("needs are grouped while the fleet goes on; a host that is lost meanwhile holds nobody up")
    func groupedAway() async throws {
        let scene = try Scene(contents(5))
        for host in 0..<3 { scene.library.expect(host) }
        _ = try scene.library.join(0, needs: needs(1...3), isRepair: false)
        let second = try scene.library.join(1, needs: needs(1...5), isRepair: false)
        scene.library.withdraw(2)
        #expect(scene.library.encodings.isEmpty, "grouped on the fleet's queue")
        scene.library.withdraw(0)
        let late = try scene.library.join(2, needs: needs(4...5), isRepair: true)
        #expect(try await scene.entries(serve(second, host: 1, scene).ranges).sorted() == Array(1...5))
        #expect(try await scene.entries(serve(late, host: 2, scene).ranges) == [4, 5])
        #expect(scene.library.subscribers.allSatisfy { !$0.contains { $0.host == 0 } })
    }

    @Test("a late host is served from what is there; one that needs only a part gets that part")
    func late() async throws {
        let scene = try Scene(contents(10))
        scene.library.expect(0)
        let first = try await serve(scene.library.join(0, needs: needs(1...10), isRepair: false), host: 0, scene)
        let equal = try await serve(scene.library.join(1, needs: needs(1...10), isRepair: false), host: 1, scene)
        #expect(equal.ranges == first.ranges)
        let part = try await serve(scene.library.join(2, needs: needs(3...4), isRepair: false), host: 2, scene)
        #expect(try scene.entries(part.ranges) == [3, 4])
        let again = try await serve(scene.library.join(3, needs: needs(3...4), isRepair: false), host: 3, scene)
        #expect(again.ranges == part.ranges)
    }

    @Test("a host that needs nothing is done at once, though others are waited for")
    func nothing() async throws {
        let scene = try Scene(contents(1))
        scene.library.expect(0)
        scene.library.expect(1)
        #expect(try await serve(scene.library.join(0, needs: [], isRepair: false), host: 0, scene).ranges.isEmpty)
    }

    @Test("one host is asked for a signature, whoever needs the pair")
    func signature() async throws {
        let contents = contents(2, size: 5000)
        let scene = try Scene(contents)
        let basis = ContentDigest(of: contents[1])
        let needs = needs(1...1, basis: [1: basis])
        for host in 0..<3 { scene.library.expect(host) }
        let works = try (0..<3).map { try scene.library.join($0, needs: needs, isRepair: false) }
        var asked = 0
        for (host, work) in works.enumerated() {
            let told = try await serve(work, host: host, scene) { _ in try Signature(of: contents[1]) }
            asked += told.asked.count
            #expect(try scene.entries(told.ranges) == [1])
        }
        #expect(asked == 1)
    }

    @Test("a host that lost the basis is not the last that is asked; when all are, the content goes whole")
    func missingBasis() async throws {
        let scene = try Scene(contents(1))
        let basis = ContentDigest(high: 1, low: 1)
        for host in 0..<2 { scene.library.expect(host) }
        let works = try (0..<2).map {
            try scene.library.join($0, needs: needs(1...1, basis: [1: basis]), isRepair: false)
        }
        async let first = serve(works[0], host: 0, scene)
        async let second = serve(works[1], host: 1, scene)
        let told = try await [first, second]
        #expect(told.map(\.asked) == [[basis], [basis]])
        for one in told { #expect(try scene.entries(one.ranges) == [1]) }
    }

    @Test("no host is asked for what the cache has; what it lost since is asked for", arguments: [false, true])
    func keptBasis(isLost: Bool) async throws {
        var random = SeededGenerator(seed: 5)
        // One of the two is longer than what is encoded among others.
        let long = random.bytes(1000) + [UInt8](repeating: 7, count: 4 << 20) + random.bytes(1000)
        let bases = [random.bytes(5000), long]
        let scene = try Scene(bases.map { $0 + [1, 2, 3] }, kept: bases)
        if isLost { try Directory(path: scene.folder.path("caches")).removeTree("contents") }
        let digests = bases.map { ContentDigest(of: $0) }
        scene.library.expect(0)
        let needs = needs(1...2, basis: [1: digests[0], 2: digests[1]])
        let told = try await serve(scene.library.join(0, needs: needs, isRepair: false), host: 0, scene) { basis in
            try Signature(of: bases[basis == digests[0] ? 0 : 1])
        }
        #expect(told.asked.sorted() == (isLost ? digests.sorted() : []))
        #expect(try scene.entries(told.ranges).sorted() == [1, 2])
        #expect(told.ranges.reduce(0) { $0 + $1.length } < 10_000)
    }

    @Test("signatures that together are larger than the window are asked for bit by bit")
    func window() async throws {
        // The contents are short, their bases' signatures much longer than expected.
        let scene = try Scene(contents(200, size: 300), window: 10_000)
        var random = SeededGenerator(seed: 8)
        let signature = try Signature(of: random.bytes(100_000), blockLength: 256)
        let needs = (0..<200).map { Need(entry: UInt32($0 + 1), basis: ContentDigest(high: 1, low: UInt64($0))) }
        scene.library.expect(0)
        let told = try await serve(scene.library.join(0, needs: needs, isRepair: false), host: 0, scene) { _ in
            signature
        }
        #expect(told.asked.count == 200)
        #expect(try scene.entries(told.ranges).sorted() == Array(1...200))
    }

    @Test("that all is encoded is told once, when nobody is expected to ask for more")
    func encoded() async throws {
        let scene = try Scene(contents(3))
        var told = 0
        scene.library.onEncoded = { told += 1 }
        for host in 0..<2 { scene.library.expect(host) }
        let work = try scene.library.join(0, needs: needs(1...3), isRepair: false)
        #expect(told == 0)
        scene.library.withdraw(1)
        _ = try await serve(work, host: 0, scene)
        #expect(told == 1)
        scene.library.withdraw(0)
        _ = try await serve(scene.library.join(1, needs: needs(1...2), isRepair: false), host: 1, scene)
        #expect(told == 1)
    }

    @Test("nothing is said to be encoded before the last host has begun")
    func encodedInWaves() async throws {
        let scene = try Scene(contents(3), hostCount: 2)
        var told = 0
        scene.library.onEncoded = { told += 1 }
        scene.library.expect(0)
        _ = try await serve(scene.library.join(0, needs: needs(1...3), isRepair: false), host: 0, scene)
        scene.library.withdraw(0)
        #expect(told == 0)
        scene.library.expect(1)
        scene.library.withdraw(1)
        #expect(told == 1)
    }

    @Test("a release that no host takes is not said to be encoded", arguments: [false, true])
    func encodedForNobody(isPresent: Bool) throws {
        let scene = try Scene(contents(1), hostCount: 1)
        var told = 0
        scene.library.onEncoded = { told += 1 }
        scene.library.expect(0)
        if isPresent { scene.library.notePresence() }
        scene.library.withdraw(0)
        #expect(told == (isPresent ? 1 : 0))
    }

    @Test("a signature's owner that is lost is replaced by another host that has the basis")
    func lostOwner() async throws {
        let contents = contents(1, size: 3000)
        let scene = try Scene(contents)
        let basis = ContentDigest(high: 1, low: 1)
        for host in 0..<2 { scene.library.expect(host) }
        let works = try (0..<2).map {
            try scene.library.join($0, needs: needs(1...1, basis: [1: basis]), isRepair: false)
        }
        for try await step in works[0] {
            guard case .signatures(let requests) = step else { throw SlotSyncError(.system, "no wish but \(step)") }
            #expect(requests.map(\.basis) == [basis])
            scene.library.withdraw(0)
            break
        }
        let told = try await serve(works[1], host: 1, scene) { _ in try Signature(of: contents[0]) }
        #expect(told.asked == [basis])
        #expect(try scene.entries(told.ranges) == [1])
    }

    /// Sizes that fill the window: two signatures are asked for at once, and one that came is more than half of it.
    private func fullWindow(_ contents: [[UInt8]]) throws -> (scene: Scene, signature: Signature) {
        var random = SeededGenerator(seed: 9)
        return (try Scene(contents, window: 24), try Signature(of: random.bytes(10_000), blockLength: 256))
    }

    @Test("signatures that stand ready for a host that is lost then do not take the window from other hosts")
    func lostWithReadySignatures() async throws {
        let (scene, signature) = try fullWindow(contents(3, size: 300))
        let bases = (1...3).map { ContentDigest(high: 1, low: UInt64($0)) }
        for host in 0..<2 { scene.library.expect(host) }
        let lost = needs(1...2, basis: [1: bases[0], 2: bases[1]])
        let works = [
            try scene.library.join(0, needs: lost, isRepair: false),
            try scene.library.join(1, needs: needs(3...3, basis: [3: bases[2]]), isRepair: false),
        ]
        for try await step in works[0] {
            guard case .signatures(let requests) = step else { throw SlotSyncError(.system, "no wish but \(step)") }
            #expect(requests.map(\.basis) == Array(bases.prefix(2)), "the other host's does not fit the window")
            break
        }
        // It stands ready and is not encoded, since the second may come any moment.
        scene.library.deliver(signature, of: bases[0], from: 0)
        scene.library.withdraw(0)
        let told = try await serve(works[1], host: 1, scene) { _ in signature }
        #expect(told.asked == [bases[2]])
        #expect(try scene.entries(told.ranges) == [3])
        // Whoever needs the same later is asked for the signatures anew.
        let late = try await serve(scene.library.join(2, needs: lost, isRepair: false), host: 2, scene) { _ in
            signature
        }
        #expect(late.asked == Array(bases.prefix(2)))
        #expect(try scene.entries(late.ranges).sorted() == [1, 2])
    }

    @Test("a signature that comes for several groups takes no window for those whose hosts are lost")
    func sharedSignatureOfLostHost() async throws {
        let (scene, signature) = try fullWindow(contents(4, size: 300))
        let bases = (1...3).map { ContentDigest(high: 1, low: UInt64($0)) }
        for host in 0..<2 { scene.library.expect(host) }
        // Different contents from one basis: two groups wait for one signature.
        let lost = try scene.library.join(0, needs: needs(1...1, basis: [1: bases[0]]), isRepair: false)
        let work = try scene.library.join(
            1, needs: needs(2...4, basis: [2: bases[0], 3: bases[1], 4: bases[2]]), isRepair: false)
        for try await step in lost {
            guard case .signatures(let requests) = step else { throw SlotSyncError(.system, "no wish but \(step)") }
            #expect(requests.map(\.basis) == [bases[0]])
            break
        }
        scene.library.withdraw(0)
        let told = try await serve(work, host: 1, scene) { _ in signature }
        #expect(told.asked.sorted() == bases)
        #expect(try scene.entries(told.ranges).sorted() == [2, 3, 4])
    }

    @Test("hosts that fail before they say what they need hold nobody up")
    func withdrawn() async throws {
        let scene = try Scene(contents(3))
        for host in 0..<3 { scene.library.expect(host) }
        let work = try scene.library.join(0, needs: needs(1...3), isRepair: false)
        scene.library.withdraw(1)
        scene.library.withdraw(2)
        #expect(try await scene.entries(serve(work, host: 0, scene).ranges) == [1, 2, 3])
    }

    @Test("a silent host is waited for only a moment")
    func silent() async throws {
        let scene = try Scene(contents(3))
        for host in 0..<2 { scene.library.expect(host) }
        let work = try scene.library.join(0, needs: needs(1...3), isRepair: false)
        #expect(try await scene.entries(serve(work, host: 0, scene).ranges) == [1, 2, 3])
    }

    @Test("a repair waits for nobody, and is no cohort")
    func repair() async throws {
        // Host 1 never says what it needs: who waited for it would do so beyond this test's time.
        let scene = try Scene(contents(5), gatheringTime: .seconds(3600)...(.seconds(3600)))
        scene.library.expect(0)
        let first = try await serve(scene.library.join(0, needs: needs(1...5), isRepair: false), host: 0, scene)
        scene.library.expect(1)
        for entry in 1...5 {
            let work = try scene.library.join(0, needs: needs(entry...entry), isRepair: true)
            let repair = try await serve(work, host: 0, scene)
            #expect(try scene.entries(repair.ranges) == [entry])
            #expect(!first.ranges.contains(repair.ranges[0]))
        }
        #expect(scene.library.cohortCount == 1)
    }

    @Test("long contents and many small ones all come, whatever the cores", arguments: [1, 2])
    func mixed(parallelism: Int) async throws {
        var random = SeededGenerator(seed: 3)
        var contents = self.contents(300, size: 20_000)
        for number in [7, 150] { contents[number] = random.bytes(5 << 20) }
        let scene = try Scene(contents, parallelism: parallelism)
        scene.library.expect(0)
        let told = try await serve(scene.library.join(0, needs: needs(1...300), isRepair: false), host: 0, scene)
        #expect(try scene.entries(told.ranges).sorted() == Array(1...300))
        #expect(scene.library.plannedBytes == told.ranges.reduce(0) { $0 + UInt64($1.length) })
    }

    @Test("a source that changed ends the stage for all hosts, also for those that come later")
    func sourceChanged() async throws {
        let scene = try Scene(contents(2))
        for host in 0..<2 { scene.library.expect(host) }
        try scene.folder.write([1], to: "source/100")
        let works = try (0..<2).map { try scene.library.join($0, needs: needs(1...2), isRepair: false) }
        for (host, work) in works.enumerated() {
            let error = await #expect(throws: SlotSyncError.self) { try await serve(work, host: host, scene) }
            #expect(error?.code == .sourceChanged)
        }
        #expect(scene.library.sourceFailure?.code == .sourceChanged)
        #expect(throws: SlotSyncError.self) { try scene.library.join(2, needs: needs(1...1), isRepair: false) }
    }

    @Test("a host that asks for what is no file of the release is refused", arguments: [0, 3, 99])
    func noFile(entry: Int) throws {
        let scene = try Scene(contents(2))
        #expect(
            errorCode { _ = try scene.library.join(0, needs: needs([entry]), isRepair: false) } == .protocolViolation)
    }

    @Test("No more signatures are asked for at once than a message may hold")
    func signaturesInMessages() async throws {
        let scene = try Scene([[1, 2, 3]])
        let most = WireLimits.mostBasesPerRequest
        let needs = (0...most).map { Need(entry: 1, basis: ContentDigest(high: 1, low: UInt64($0))) }
        scene.library.expect(0)
        let work = try scene.library.join(0, needs: needs, isRepair: false)
        var asked: [Int] = []
        for try await step in work {
            if case .signatures(let requests) = step { asked.append(requests.count) }
            if asked.reduce(0, +) > most { break }
        }
        #expect(asked == [most, 1])
        scene.library.withdraw(0)
    }
}
