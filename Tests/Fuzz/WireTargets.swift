// What comes over the wire: the cutting of a stream into messages, and the messages of both directions. The other end is
// hostile, whichever it is.

import SystemPackage

@testable import SlotSync
@testable import slotsync

let wireTargets = [
    FuzzTarget(name: "frame", longest: 8192, words: ["SlotSync"]) {
        var samples = MessageSamples(seed: 1)
        let streams = [stream(samples.requests()), stream(samples.replies())]
        return streams.enumerated().flatMap { direction, messages in
            [[UInt8(direction), 3, 200] + messages.joined(), [UInt8(direction), 0, 0] + (messages.first ?? [])]
        }
    } run: { bytes in
        var input = FuzzInput(bytes)
        let direction: FrameParser.Direction = input.byte() & 1 == 0 ? .requests : .replies
        let sizes = [Int(input.byte()), Int(input.byte())].map { max($0, 1) }
        let stream = input.all()
        let (whole, isWhole) = messages(of: stream, direction, in: [stream.count])
        let (pieces, isInPieces) = messages(of: stream, direction, in: sizes)
        demand(whole == pieces && isWhole == isInPieces, "the pieces in which a stream comes make a difference")
        for message in whole {
            switch direction {
            case .requests: _ = decoded(Request.self, message)
            case .replies: _ = decoded(Reply.self, message)
            }
        }
        return isWhole && !whole.isEmpty
    },
    FuzzTarget(name: "request") {
        var samples = MessageSamples(seed: 2)
        return stream(samples.requests() + samples.requests()).map { Array($0.dropFirst(4)) }
    } run: { bytes in
        guard let request = decoded(Request.self, bytes) else { return false }
        if case .watch(let watch) = request {
            _ = accepted { () throws(SlotSyncError) in try HostSource.check(watch.sources, interval: watch.interval) }
        }
        return true
    },
    FuzzTarget(name: "reply") {
        var samples = MessageSamples(seed: 3)
        return stream(samples.replies() + samples.replies()).map { Array($0.dropFirst(4)) }
    } run: { bytes in
        guard let reply = decoded(Reply.self, bytes) else { return false }
        show(reply)
        return true
    },
]

/// Each message as a whole frame, those left out that are too long for a seed.
private func stream(_ messages: [some WireMessage]) -> [[UInt8]] {
    messages.map { message in
        var bytes: [UInt8] = []
        message.encode(into: &bytes)
        return bytes
    }.filter { $0.count < 1000 }
}

/// The messages of a stream that comes in pieces of these sizes, in turn, as type and payload in one; and whether it came
/// to its end.
private func messages(
    of stream: [UInt8], _ direction: FrameParser.Direction, in sizes: [Int]
) -> (messages: [[UInt8]], isWhole: Bool) {
    var parser = FrameParser(direction)
    var messages: [[UInt8]] = []
    var rest = stream[...]
    var turn = 0
    while !rest.isEmpty {
        let piece = rest.prefix(sizes[turn % sizes.count])
        rest = rest.dropFirst(piece.count)
        turn += 1
        piece.withUnsafeBytes { parser.append($0) }
        do {
            while let (type, payload) = try parser.next() { messages.append([type] + payload) }
        } catch { return (messages, false) }
    }
    return (messages, !parser.isInsideMessage)
}

/// Reads a message from its type and payload, and demands that what is written of it reads as the same.
private func decoded<Message: WireMessage>(_: Message.Type, _ bytes: [UInt8]) -> Message? {
    func read(_ bytes: some Collection<UInt8>) -> Message? {
        accepted { () throws(SlotSyncError) in try Message(type: bytes.first ?? 0, payload: Array(bytes.dropFirst())) }
    }
    guard !bytes.isEmpty, let message = read(bytes) else { return nil }
    var first: [UInt8] = []
    message.encode(into: &first)
    // Text may have grown by what was escaped in it, but is cut again.
    demand(first.count - 4 <= WireLimits.longestMessage, "a message of \(first.count) bytes")
    guard let again = read(first.dropFirst(4)) else { fatalError("a message is refused that was written: \(message)") }
    var second: [UInt8] = []
    again.encode(into: &second)
    demand(first == second, "a message reads as another one: \(message), \(again)")
    return message
}

/// What the controller goes on to do with what a host says: it reckons, decides and prints.
private func show(_ reply: Reply) {
    guard let host = try? Host("web1") else { return }
    switch reply {
    case .hello(_, let ring?), .status(let ring):
        for line in StatusTable([(host, ring)]).lines {
            demand(!line.utf8.contains(0x1b), "a line commands the terminal")
        }
        _ = ring.slotToFill(with: ring.slots[0].release?.id)
        _ = (ring.nextRelease, ring.badNextRelease, ring.passedSlot, ring.previous)
        for slot in ring.numbers {
            _ = (ring.badText(of: slot), ring.lastOther(before: slot), utcText(ring[slot].since))
            if let release = ring[slot].release {
                _ = (ring.newestReady(of: release.id), ring.badReason(of: release.id))
            }
        }
    case .alive(_, let bytes):
        var progress = StageProgress(hostCount: 2)
        progress.plan(0, before: 7, planned: .max)
        progress.plan(1, before: 0, planned: bytes)
        progress.note(0, bytes: bytes)
        progress.note(1, bytes: bytes)
        demand((0...1).contains(progress.share), "a share of \(progress.share)")
    case .plan(let before, let planned):
        var progress = StageProgress(hostCount: 1)
        progress.plan(0, before: before, planned: planned)
        progress.note(0, bytes: .max)
        progress.end(0)
        demand(progress.share == 1, "a share of \(progress.share)")
    case .present(let outcome), .staged(let outcome):
        let staged = StagedHost(host: host, outcome: outcome, sentBytes: .max, receivedBytes: 0)
        _ = (staged.text, staged.json.line)
    case .prepared(let outcome), .flipped(let outcome): _ = outcome.json(of: host).line
    case .lock(let lock, _): _ = lock.text
    case .failure(let error): _ = HostFailure(host: host, error: error).json(FleetWords()).line
    case .signature(_, let signature):
        // In a session no basis has more bytes than its signature's blocks.
        _ = DeltaEncoder(signature)
    case .hello, .warning, .manifestNeeded, .needs, .seedsNeeded, .signatureMissing, .hookDone, .confirmed, .verified,
        .watching, .sample, .unlocked, .giveWay:
        break
    }
}
