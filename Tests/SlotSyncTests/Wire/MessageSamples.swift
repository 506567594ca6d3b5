// Messages of every kind with random contents, for property tests.

@testable import SlotSync

struct MessageSamples {
    private var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// One of each request.
    mutating func requests() -> [Request] {
        [
            .hello(greeting(), host: "web1.example.com"), .status, .stage(stageRequest()), .manifest(part()),
            .signatures(array(atMost: 20) { $0.basisRequest() }), .frame(part()), .framesEnd,
            .prepare(
                FlipRequest(
                    direction: .flip, release: digest(), beforeHook: text(), afterHook: text(),
                    undoHook: text(), provisionalLimit: optional { $0.provisionalLimit() }, force: flag(),
                    settlesReturn: flag())),
            .prepare(
                FlipRequest(
                    direction: .rollback, release: optional { $0.digest() }, beforeHook: "", afterHook: text(),
                    undoHook: "")),
            .runBeforeHook, .commit, .undo, .verify(slot: nil), .verify(slot: slot()), .finish, .confirm,
            .keepAlive, .preempt, .markBad(release: digest(), reason: "p" + text()),
            .watch(watchRequest()), .sample(UInt32(count())), .seed(part()),
        ]
    }

    /// One of each reply.
    mutating func replies() -> [Reply] {
        [
            .hello(greeting(), optional { $0.greetedRing() }), .failure(SlotSyncError(.diskFull, text())),
            .warning(text()),
            .alive(files: number(), bytes: number()), .plan(before: number(), planned: number()),
            .lock(RingLock(holder: text(), since: 1_767_225_600), isAsked: flag()), .status(ring()),
            .unlocked(wayBack: optional { $0.digest() }), .giveWay(text()),
            .present(stageOutcome()),
            partOfNeeds(), .signature(basis: digest(), signature()),
            .signatureMissing(basis: digest()), seedsNeeded(), .staged(stageOutcome()), .prepared(flipOutcome()),
            .hookDone,
            .manifestNeeded, .confirmed,
            .flipped(flipOutcome()), .verified(verification()),
            .watching(array(atMost: 10) { $0.optional { $0.text() } }), .sample(UInt32(count()), readings()),
        ]
    }

    mutating func bytes(atMost bound: Int) -> [UInt8] {
        array(atMost: bound) { .random(in: 0...255, using: &$0.random) }
    }

    mutating func index(below bound: Int) -> Int { .random(in: 0..<bound, using: &random) }

    private mutating func array<T>(atMost bound: Int, _ make: (inout Self) -> T) -> [T] {
        var values: [T] = []
        for _ in 0..<Int.random(in: 0...bound, using: &random) { values.append(make(&self)) }
        return values
    }

    private mutating func flag() -> Bool { .random(using: &random) }
    private mutating func optional<T>(_ make: (inout Self) -> T) -> T? { flag() ? make(&self) : nil }

    /// Numbers of every length, not only long ones.
    private mutating func number() -> UInt64 { random.next() >> UInt64.random(in: 0...63, using: &random) }
    private mutating func count() -> Int { Int(number() & 0xffff_ffff) }
    private mutating func slot() -> Int { .random(in: 1...9, using: &random) }
    private mutating func digest() -> ContentDigest { ContentDigest(high: random.next(), low: random.next()) }

    private mutating func text() -> String {
        let characters = Array("abc XYZ019/-_\"\\äß漢😀")
        return String(array(atMost: 40) { characters[$0.index(below: characters.count)] })
    }

    private mutating func greeting() -> Greeting { Greeting(version: text(), peer: text()) }
    private mutating func releaseName() -> ReleaseName { ReleaseName(id: digest(), name: text()) }

    private mutating func part() -> DeflatedPart {
        let bytes = bytes(atMost: 5000)
        return flag()
            ? DeflatedPart(length: index(below: WireLimits.longestPart), isDeflated: true, bytes: bytes)
            : DeflatedPart(length: bytes.count, isDeflated: false, bytes: bytes)
    }

    private mutating func stageRequest() -> StageRequest {
        StageRequest(
            release: releaseName(), slots: optional { $0.index(below: 8) + 2 }, base: optional { $0.digest() },
            manifestLength: index(below: WireLimits.longestManifest), checksum: flag(), ownership: flag(),
            sharedPaths: array(atMost: 5) { Array("dir/sub-\($0.index(below: 100))".utf8) + [0xff] }, dryRun: flag(),
            wholeFiles: flag(), foreign: ForeignPolicy.allCases[index(below: ForeignPolicy.allCases.count)],
            sharedFiles: array(atMost: 5) { Array("file-\($0.index(below: 100))".utf8) },
            seedsLength: index(below: WireLimits.longestManifest),
            signature: bytes(atMost: SSHSignature.longestFile),
            hooksToCome: optional { [$0.text(), $0.text(), $0.text()] })
    }

    private mutating func seedsNeeded() -> Reply {
        var next: UInt32 = 0
        let entries = (0...index(below: 100)).map { _ in
            next += UInt32(index(below: 1000)) + 1
            return next
        }
        return .seedsNeeded(entries, isLast: flag())
    }

    private mutating func basisRequest() -> BasisRequest {
        BasisRequest(basis: digest(), blockLength: flag() ? 0 : 64 + index(below: 100_000), seed: random.next())
    }

    private mutating func provisionalLimit() -> Duration { .milliseconds(1000 + index(below: 599_001)) }

    private mutating func stageOutcome() -> StageOutcome {
        let kinds: [StageOutcome.Kind] = [.staged, .alreadyReady, .alreadyLive, .alreadyBad]
        return StageOutcome(
            kind: kinds[index(below: 4)], slot: slot(), received: count(), copied: count(), kept: count())
    }

    private mutating func flipOutcome() -> FlipOutcome {
        FlipOutcome(
            slot: slot(), release: releaseName(), previousSlot: optional { $0.slot() },
            previous: optional { $0.releaseName() },
            changed: flag(), renamedAt: Int64(bitPattern: random.next()), hasRunHook: flag(),
            owesHook: flag())
    }

    private mutating func verification() -> SlotVerification {
        let counts = [count(), count(), count()].sorted()
        return SlotVerification(
            slot: slot(), release: releaseName(), files: count(), bytes: number(), differences: counts[2],
            additions: counts[1], kept: counts[0],
            lines: array(atMost: 10) { $0.text() })
    }

    private mutating func partOfNeeds() -> Reply {
        let entries = Set(array(atMost: 50) { UInt32(truncatingIfNeeded: $0.count() >> 1) })
        let needs = entries.sorted().map { Need(entry: $0, basis: optional { $0.digest() }) }
        return .needs(needs, isLast: needs.isEmpty || flag())
    }

    private mutating func signature() -> Signature {
        let content = bytes(atMost: 5000)
        var builder = Signature.Builder(basisLength: UInt64(content.count), blockLength: 64, seed: random.next())
        content.withUnsafeBytes { builder.update($0) }
        do { return try builder.finish() } catch { fatalError("\(error)") }
    }

    private mutating func watchRequest() -> WatchRequest {
        WatchRequest(
            interval: .milliseconds(100 + index(below: 3_599_901)),
            sources: array(atMost: 10) { samples in
                switch samples.index(below: 4) {
                case 0: .loadAverage
                case 1: .cpu
                case 2: .log(path: samples.text(), pattern: samples.text())
                default: .command(samples.text())
                }
            })
    }

    private mutating func readings() -> HostReadings {
        HostReadings(
            array(atMost: 10) { samples in
                guard samples.flag() else { return .missing(samples.text()) }
                let named = (0...samples.index(below: 5)).map { number in
                    HostReading(name: "n\(number)", value: Double(Int64(bitPattern: samples.number())) / 1024)
                }
                return .read(samples.flag() ? named : [HostReading(value: named[0].value)])
            })
    }

    private mutating func greetedRing() -> RingStatus {
        var ring = ring()
        ring.wentBack = optional { $0.releaseName() }
        ring.returned = optional { $0.releaseName() }
        ring.identity = optional { $0.digest() }
        return ring
    }

    private mutating func ring() -> RingStatus {
        let count = 2 + index(below: 8)
        let live = optional { $0.index(below: count) }
        let others = SlotState.allCases.filter { $0 != .live }
        let slots = (0..<count).map { number in
            let state = number == live ? .live : others[index(below: others.count)]
            return SlotStatus(
                state: state, release: state == .empty ? optional { $0.releaseName() } : releaseName(),
                since: Int64(bitPattern: random.next()), reason: text(),
                previous: optional { $0.index(below: count) + 1 }, stage: index(below: 1 << 32))
        }
        let provisional = optional { samples in
            ProvisionalFlip(
                slot: samples.index(below: count) + 1, from: samples.optional { $0.index(below: count) + 1 },
                since: Int64(bitPattern: samples.random.next()), limit: samples.provisionalLimit())
        }
        let owedHook = optional { samples in
            OwedHook(
                OwedHook.Kind.allCases[samples.index(below: 2)], release: samples.digest(),
                since: Int64(bitPattern: samples.random.next()))
        }
        return RingStatus(
            slots: slots, provisional: provisional, passedStage: index(below: 1 << 32), owedHook: owedHook)
    }
}
