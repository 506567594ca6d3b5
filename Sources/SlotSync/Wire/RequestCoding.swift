// The bytes of every request. The controller writes them; an agent reads them and trusts none of them.

extension Request: WireMessage {
    /// The types of requests; those of replies have the high bit set.
    enum TypeCode: UInt8 {
        case hello = 0x01
        case status, stage, manifest, signatures, frame, framesEnd
        case prepare, runBeforeHook, commit, undo, verify, finish
        case confirm, keepAlive, markBad, preempt
        case watch = 0x20
        case sample
        case seed = 0x30
    }

    private var code: TypeCode {
        switch self {
        case .hello: .hello
        case .status: .status
        case .stage: .stage
        case .manifest: .manifest
        case .seed: .seed
        case .signatures: .signatures
        case .frame: .frame
        case .framesEnd: .framesEnd
        case .prepare: .prepare
        case .runBeforeHook: .runBeforeHook
        case .commit: .commit
        case .undo: .undo
        case .verify: .verify
        case .finish: .finish
        case .confirm: .confirm
        case .keepAlive: .keepAlive
        case .markBad: .markBad
        case .preempt: .preempt
        case .watch: .watch
        case .sample: .sample
        }
    }

    var type: UInt8 { code.rawValue }

    func encodePayload(into writer: inout ByteWriter) {
        switch self {
        case .hello(let greeting, let host):
            writer.append(greeting)
            writer.append(text: host, atMost: WireLimits.longestPeerText)
        case .stage(let request): request.encode(into: &writer)
        case .manifest(let part), .frame(let part), .seed(let part): writer.append(part)
        case .signatures(let requests):
            writer.append(varint: requests.count)
            for request in requests {
                writer.append(request.basis)
                writer.append(varint: request.blockLength)
                writer.append(fixed: request.seed)
            }
        case .prepare(let request): request.encode(into: &writer)
        case .verify(let slot): writer.append(slot: slot)
        case .markBad(let release, let reason):
            writer.append(release)
            writer.append(text: reason, atMost: SlotStatus.longestReason)
        case .watch(let request): request.encode(into: &writer)
        case .sample(let number): writer.append(fixed: number)
        case .status, .framesEnd, .runBeforeHook, .commit, .undo, .finish, .confirm, .keepAlive, .preempt: break
        }
    }

    /// A patch frame as the whole message that carries it.
    static func frameMessage(_ frame: DeflatedPart) -> [UInt8] {
        var message: [UInt8] = []
        Request.frame(frame).encode(into: &message)
        return message
    }

    init(type: UInt8, payload: [UInt8]) throws(SlotSyncError) {
        guard let code = TypeCode(rawValue: type) else {
            throw SlotSyncError(.protocolViolation, "the controller sent a message of the unknown type \(type)")
        }
        self = try Self.decode(payload, as: "\(code)") { (reader) throws(SlotSyncError) in
            switch code {
            case .hello:
                let greeting = try reader.greeting()
                // Another major version may say more; what it is has to be told, not understood.
                guard greeting.major == Greeting.protocolMajor else {
                    _ = try reader.take(reader.remaining)
                    return .hello(greeting)
                }
                return .hello(
                    greeting, host: try reader.shownText(atMost: WireLimits.longestPeerText, of: "a host's name"))
            case .status: return .status
            case .stage: return .stage(try StageRequest(from: &reader))
            case .manifest: return .manifest(try reader.part())
            case .seed: return .seed(try reader.part())
            case .signatures: return .signatures(try reader.basisRequests())
            case .frame: return .frame(try reader.part())
            case .framesEnd: return .framesEnd
            case .prepare: return .prepare(try FlipRequest(from: &reader))
            case .runBeforeHook: return .runBeforeHook
            case .commit: return .commit
            case .undo: return .undo
            case .verify: return .verify(slot: try reader.slotOrNone())
            case .finish: return .finish
            case .confirm: return .confirm
            case .preempt: return .preempt
            case .keepAlive: return .keepAlive
            case .markBad:
                let release = try reader.digest()
                let reason = try reader.shownText(atMost: SlotStatus.longestReason, of: "a reason's length")
                guard !reason.isEmpty else { throw reader.corrupt("a release is bad for no reason") }
                return .markBad(release: release, reason: reason)
            case .watch: return .watch(try WatchRequest(from: &reader))
            case .sample: return .sample(try reader.fixed())
            }
        }
    }
}

extension StageRequest {
    private enum Flag {
        static let checksum: UInt8 = 1
        static let ownership: UInt8 = 2
        static let dryRun: UInt8 = 4
        static let wholeFiles: UInt8 = 8
        static let all = checksum | ownership | dryRun | wholeFiles
    }

    fileprivate func encode(into writer: inout ByteWriter) {
        writer.append(release)
        writer.append(slot: slots)
        writer.append(optional: base) { $0.append($1) }
        writer.append(varint: manifestLength)
        writer.append(
            (checksum ? Flag.checksum : 0) | (ownership ? Flag.ownership : 0) | (dryRun ? Flag.dryRun : 0)
                | (wholeFiles ? Flag.wholeFiles : 0))
        writer.append(varint: sharedPaths.count)
        for path in sharedPaths { writer.append(counted: path) }
        writer.append(varint: sharedFiles.count)
        for path in sharedFiles { writer.append(counted: path) }
        writer.append(varint: seedsLength)
        writer.append(UInt8(ForeignPolicy.allCases.firstIndex(of: foreign) ?? 0))
        writer.append(counted: signature)
        writer.append(optional: hooksToCome) { for hook in $1 { $0.append(counted: hook) } }
    }

    fileprivate init(from reader: inout ByteReader) throws(SlotSyncError) {
        let release = try reader.releaseName()
        let slots = try reader.slotOrNone()
        if let slots, !RingStatus.slotCounts.contains(slots) { throw reader.corrupt("a ring of \(slots) slots") }
        let base = try reader.optional { (reader) throws(SlotSyncError) in try reader.digest() }
        let length = try reader.count(atMost: WireLimits.longestManifest, of: "the manifest's length")
        let flags = try reader.byte()
        guard flags & ~Flag.all == 0 else { throw reader.corrupt("unknown flags \(flags)") }
        let paths = try reader.sharedPaths()
        let files = try reader.sharedPaths()
        let seedsLength = try reader.count(atMost: WireLimits.longestManifest, of: "the length of the seeds' manifest")
        let policy = try reader.byte()
        guard Int(policy) < ForeignPolicy.allCases.count else { throw reader.corrupt("policy \(policy)") }
        let signature = try reader.counted(atMost: SSHSignature.longestFile, of: "a signature's length")
        let hooks = try reader.optional { (reader) throws(SlotSyncError) in try reader.hooks() }
        self.init(
            release: release, slots: slots, base: base, manifestLength: length, checksum: flags & Flag.checksum != 0,
            ownership: flags & Flag.ownership != 0, sharedPaths: paths, dryRun: flags & Flag.dryRun != 0,
            wholeFiles: flags & Flag.wholeFiles != 0, foreign: ForeignPolicy.allCases[Int(policy)],
            sharedFiles: files, seedsLength: seedsLength, signature: Array(signature),
            hooksToCome: hooks)
    }
}

extension ByteReader {
    fileprivate mutating func sharedPaths() throws(SlotSyncError) -> [[UInt8]] {
        let count = try count(atMost: WireLimits.mostSharedPaths, of: "shared paths")
        var paths: [[UInt8]] = []
        for _ in 0..<count {
            let path = Array(try counted(atMost: WireLimits.longestPath, of: "a shared path's length"))
            guard staysBelow(path) else { throw corrupt("a shared path that leads elsewhere") }
            paths.append(path)
        }
        return paths
    }
}

/// Whether a path is relative and made of plain names alone.
private func staysBelow(_ path: [UInt8]) -> Bool {
    path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { name in
        1...255 ~= name.count && !name.contains(0) && !name.elementsEqual(".".utf8) && !name.elementsEqual("..".utf8)
    }
}

extension FlipRequest {
    fileprivate func encode(into writer: inout ByteWriter) {
        writer.append(direction.rawValue)
        writer.append(optional: release) { $0.append($1) }
        for hook in [beforeHook, afterHook, undoHook] { writer.append(counted: hook) }
        writer.append(optional: provisionalLimit) { $0.append(varint: $1.wholeMilliseconds) }
        writer.append(force)
        writer.append(settlesReturn)
    }

    fileprivate init(from reader: inout ByteReader) throws(SlotSyncError) {
        let raw = try reader.byte()
        guard let direction = Direction(rawValue: raw) else { throw reader.corrupt("direction \(raw)") }
        let release = try reader.optional { (reader) throws(SlotSyncError) in try reader.digest() }
        guard release != nil || direction == .rollback else { throw reader.corrupt("no release to flip to") }
        let hooks = try reader.hooks()
        let limit = try reader.optional { (reader) throws(SlotSyncError) in try reader.provisionalLimit() }
        self.init(
            direction: direction, release: release, beforeHook: hooks[0], afterHook: hooks[1], undoHook: hooks[2],
            provisionalLimit: limit, force: try reader.flag(), settlesReturn: try reader.flag())
    }
}

extension ByteReader {
    /// Three: before and after a flip, and on the way back.
    fileprivate mutating func hooks() throws(SlotSyncError) -> [String] {
        var hooks: [String] = []
        for _ in 0..<3 { hooks.append(try text(atMost: WireLimits.longestHook, of: "a hook's length")) }
        return hooks
    }

    fileprivate mutating func basisRequests() throws(SlotSyncError) -> [BasisRequest] {
        let count = try count(atMost: WireLimits.mostBasesPerRequest, of: "bases")
        var requests: [BasisRequest] = []
        for _ in 0..<count {
            let basis = try digest()
            let length = try self.count(atMost: Signature.blockLengths.upperBound, of: "a block length")
            guard length == 0 || Signature.blockLengths.contains(length) else {
                throw corrupt("blocks of \(length) bytes")
            }
            requests.append(BasisRequest(basis: basis, blockLength: length, seed: try fixed()))
        }
        return requests
    }
}
