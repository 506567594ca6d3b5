// Which release a flip or a rollback is about, from what the hosts have in their slots.

import Testing

@testable import SlotSync

@Suite("Choosing a release")
struct ReleaseChoiceTests {
    private let a = ReleaseName(id: ContentDigest(high: 1, low: 1))
    private let b = ReleaseName(id: ContentDigest(high: 2, low: 2))
    private let c = ReleaseName(id: ContentDigest(high: 3, low: 3))

    /// Slots of a ring whose first one is live; the rest is empty.
    private func ring(_ slots: (ReleaseName, SlotState)...) -> RingStatus {
        let filled = slots.enumerated().map { index, slot in
            SlotStatus(
                state: slot.1, release: slot.0, reason: slot.1 == .bad ? "slow" : "", stage: index + 1)
        }
        let empty = Array(repeating: SlotStatus(state: .empty), count: 5 - filled.count)
        return RingStatus(slots: filled + empty)
    }

    private func choose(
        _ rings: [RingStatus?], _ direction: FlipRequest.Direction = .flip, _ selector: ReleaseSelector = .usual
    ) throws -> ContentDigest? {
        let hosts = try HostList.parse("h[1-9]")
        return try ReleaseChoice(direction: direction, rings: zip(hosts, rings).map { ($0, $1) }).choose(selector)
    }

    private func refusal(_ rings: [RingStatus?], _ direction: FlipRequest.Direction = .flip) -> String {
        errorMessage { _ = try choose(rings, direction) }
    }

    @Test("what all next slots hold, also where some hold nothing")
    func ready() throws {
        let staged = ring((a, .live), (b, .ready))
        #expect(try choose([staged, staged]) == b.id)
        #expect(try choose([staged, ring((a, .live)), nil]) == b.id)
        #expect(try choose([staged], .flip, .id(c.id)) == c.id)
        #expect(try choose([]) == nil)
    }

    @Test("next slots that hold different releases are named with their hosts")
    func disagreement() {
        let told = refusal([
            ring((a, .live), (b, .ready)), ring((a, .live), (c, .ready)), ring((a, .live), (b, .ready)),
        ])
        #expect(told.contains("on h[1,3]") && told.contains("on h2"), "\(told)")
        #expect(told.contains("slotsync flip \(c.id) --hosts h2"), "\(told)")
    }

    @Test("what is live everywhere, where nothing is ready: there is nothing to do")
    func live() throws {
        #expect(try choose([ring((a, .live)), ring((a, .live), (b, .retired))]) == a.id)
        #expect(refusal([ring((a, .live)), ring((b, .live))]).contains("h[1-2]: no host has a release that is ready"))
        #expect(refusal([nil]).contains("stage one first"))
    }

    @Test("a bad release in the next slot is chosen where nothing else is staged, and refused by its host")
    func badNext() throws {
        #expect(try choose([ring((a, .live), (b, .bad)), ring((a, .live))]) == b.id)
        #expect(try choose([ring((a, .live), (b, .bad)), ring((a, .live), (c, .ready))]) == c.id)
    }

    @Test("a bad release in another slot is told of, unless something else is staged")
    func badElsewhere() throws {
        let bad = ring((a, .live), (b, .retired), (c, .bad))
        let told = refusal([ring((a, .live)), bad, bad])
        #expect(
            told.hasPrefix("h[2-3]: release \(c.id) in slot 3 is bad (slow), and nothing else is staged"), "\(told)")
        #expect(told.contains("or stage it on h1, too, and insist with `slotsync flip --force \(c.id)`"), "\(told)")
        #expect(refusal([bad, bad]).contains("stage another one, or insist with"), "\(told)")
        #expect(try choose([ring((a, .live), (b, .ready), (c, .bad))]) == b.id)
    }

    @Test("a rollback goes to what was live before")
    func rollback() throws {
        var rolled = ring((a, .live), (b, .retired))
        rolled.slots[0].previous = 2
        #expect(try choose([rolled, rolled], .rollback) == b.id)
        #expect(refusal([ring((a, .live))], .rollback).contains("no way back"))
        // Who never had it, or has gone back to it already, keeps nobody from going back.
        #expect(try choose([rolled, ring((a, .live)), nil], .rollback) == b.id)
        var gone = ring((b, .live), (c, .retired))
        gone.slots[0].previous = 2
        #expect(try choose([rolled, gone], .rollback) == b.id)
        var other = ring((a, .live), (c, .retired))
        other.slots[0].previous = 2
        // Most decide; of as many, who was named first.
        #expect(try choose([other, rolled, rolled], .rollback) == b.id)
        #expect(try choose([other, rolled], .rollback) == c.id)
    }

    @Test("who has no slot with what most go back to, or is where others go back to, stays out of a rollback")
    func differentWays() throws {
        func ring(_ slots: (ReleaseName, SlotState)...) -> RingStatus {
            let filled = slots.map { SlotStatus(state: $1, release: $0) }
            var ring = RingStatus(slots: filled + Array(repeating: SlotStatus(state: .empty), count: 5 - filled.count))
            ring.slots[0].previous = 2
            return ring
        }
        let hosts = try HostList.parse("h[1-9]")
        func left(_ rings: [RingStatus?], _ selector: ReleaseSelector = .usual) throws -> [String] {
            let choice = ReleaseChoice(direction: .rollback, rings: zip(hosts, rings).map { ($0, $1) })
            return choice.refusals(of: try choice.choose(selector), by: selector).map(\.host.name)
        }
        let most = ring((a, .live), (b, .retired))
        let lacking = ring((a, .live), (c, .retired))
        #expect(try left([most, most, lacking]) == ["h3"])
        #expect(try left([most, most, ring((a, .live), (c, .retired), (b, .retired))]) == [])
        #expect(try left([most, most, lacking], .id(b.id)) == [])
        // h3 is on what h4 goes back to: it does not go on to what the others go back to.
        #expect(try left([most, most, most, ring((c, .live), (b, .retired)), lacking]) == ["h4", "h5"])
        let choice = ReleaseChoice(direction: .rollback, rings: zip(hosts, [most, lacking]).map { ($0, $1) })
        #expect(choice.otherWays(than: b.id, by: .usual).map(\.host.name) == ["h2"])
        // Each is where the other goes back to.
        let told = refusal([ring((a, .live), (b, .retired)), ring((b, .live), (a, .retired))], .rollback)
        for command in ["rollback --to \(a.id) --hosts h1", "rollback --to \(b.id) --hosts h2"] {
            #expect(told.contains(command), "\(told)")
        }
    }

    @Test("a host whose session began by going back has been rolled back, and goes no further")
    func wentBack() throws {
        var back = ring((a, .live), (c, .retired), (b, .ready))
        (back.slots[0].previous, back.wentBack) = (2, b)
        #expect(try choose([back, back], .rollback) == a.id)
        // One is on the new release yet, another went back by itself before.
        var ahead = ring((b, .live), (a, .retired))
        ahead.slots[0].previous = 2
        var before = back
        before.wentBack = nil
        #expect(try choose([back, ahead, before], .rollback) == a.id)
        #expect(try choose([before], .rollback) == c.id)
    }

    @Test("hosts that went back by themselves before, or are about to say so, are where a rollback leads")
    func returned() throws {
        let hosts = try HostList.parse("h[1-9]")
        func choice(_ rings: [RingStatus?]) -> ReleaseChoice {
            ReleaseChoice(direction: .rollback, rings: zip(hosts, rings).map { ($0, $1) })
        }
        var control = ring((a, .live), (c, .retired), (b, .ready))
        control.slots[0].previous = 2
        #expect(try choose([control, control], .rollback) == c.id)
        var canary = control
        canary.returned = b
        // The controls were never flipped: what the rollback is for is undone.
        let all = choice([control, canary, control])
        #expect(try all.choose(.usual) == a.id && all.refusals(of: a.id, by: .usual).isEmpty)
        #expect(!all.course(to: a.id, by: .usual).changesSomething)
        var returning = control
        returning.provisional = ProvisionalFlip(slot: 3, from: 1, since: 1, limit: .seconds(10))
        #expect(try choose([control, returning], .rollback) == a.id)
        // What was confirmed goes back, and then all is counted.
        var confirmed = ring((b, .live), (a, .retired))
        confirmed.slots[0].previous = 2
        let some = choice([canary, confirmed])
        #expect(try some.choose(.usual) == a.id && some.course(to: a.id, by: .usual).changesSomething)
        // One that was left elsewhere by itself stays there, and is no failure.
        var other = ring((c, .live), (a, .retired))
        (other.slots[0].previous, other.returned) = (2, b)
        let apart = choice([confirmed, confirmed, other])
        #expect(try apart.choose(.usual) == a.id && apart.refusals(of: a.id, by: .usual).isEmpty)
        #expect(apart.course(to: a.id, by: .usual).ownReleases == [hosts[2]: c.id])
        #expect(apart.course(to: a.id, by: .id(a.id)).ownReleases.isEmpty, "unless it is told where to go")
    }

    @Test("hosts that were taken back to different releases are where they go, and no disagreement")
    func takenBackApart() throws {
        let hosts = try HostList.parse("h[1-9]")
        var first = ring((a, .live), (c, .retired), (b, .ready))
        first.slots[0].previous = 2
        var second = ring((c, .live), (a, .retired), (b, .ready))
        second.slots[0].previous = 2
        var choice = ReleaseChoice(direction: .rollback, rings: zip(hosts, [first, second]).map { ($0, $1) })
        choice.way.wayBacks = [hosts[0]: a.id, hosts[1]: c.id]
        #expect(try choice.choose(.usual) == nil)
        let course = choice.course(to: nil, by: .usual)
        #expect(course.ownReleases == [hosts[0]: a.id, hosts[1]: c.id] && course.changesSomething)
        #expect(choice.refusals(of: nil, by: .usual).isEmpty)
        // Without a push that gave way each is where the other goes back to.
        choice.way.wayBacks = [:]
        #expect(errorMessage { _ = try choice.choose(.usual) }.contains("do not agree"))
    }

    @Test("a holder is told of as asked when it was asked, and else as waited for")
    func asked() throws {
        let host = try HostList.parse("h1")[0]
        var way = MadeWay(patience: .seconds(2))
        var told: [String] = []
        func note(_ answer: WayAnswer) {
            way.note(answer, of: host) { event in
                switch event {
                case .wayAsked: told.append("asked")
                case .lockAwaited: told.append("awaited")
                case .wayMade: told.append("made")
                default: told.append("\(event)")
                }
            }
        }
        let lock = RingLock(holder: "a push by eva@build, pid 4711", since: 1)
        note(WayAnswer(lock: lock))
        note(WayAnswer(lock: lock))
        #expect(told == ["awaited"])
        #expect(way.refusal(of: host)?.message.contains("could not be asked") == true)
        note(WayAnswer(lock: lock, isAsked: true))
        note(WayAnswer(lock: lock, isAsked: true))
        #expect(told == ["awaited", "asked"])
        let refusal = try #require(way.refusal(of: host)).message
        for words in ["pid 4711", "was asked to give way", "did not for 2 s", "its agent on h1"] {
            #expect(refusal.contains(words), "\(refusal)")
        }
        note(WayAnswer(wayBack: a.id))
        #expect(told == ["awaited", "asked", "made"] && way.refusal(of: host) == nil)
        #expect(way.wayBacks == [host: a.id])
    }

    @Test("where a push gave way, nothing goes back twice, and what it had not reached goes where most do")
    func gaveWay() throws {
        let hosts = try HostList.parse("h[1-9]")
        var back = ring((a, .live), (c, .retired), (b, .ready))
        back.slots[0].previous = 2
        var other = ring((c, .live), (b, .retired), (a, .ready))
        other.slots[0].previous = 2
        var way = MadeWay()
        func choice(_ rings: [RingStatus?]) -> ReleaseChoice {
            var choice = ReleaseChoice(direction: .rollback, rings: zip(hosts, rings).map { ($0, $1) })
            choice.way = way
            return choice
        }
        #expect(try choice([back, back, back]).choose(.usual) == c.id, "it flipped nobody")
        way.wayBacks[hosts[0]] = a.id
        let all = choice([back, back, back])
        #expect(try all.choose(.usual) == a.id && all.refusals(of: a.id, by: .usual).isEmpty)
        // What the push could not take back is.
        var ahead = ring((b, .live), (a, .retired))
        ahead.slots[0].previous = 2
        #expect(try choice([ahead, back]).choose(.usual) == a.id)
        // The third runs another release, and the push never reached it: it goes where most go.
        way.wayBacks[hosts[1]] = a.id
        let mixed = choice([ahead, ahead, other])
        #expect(try mixed.choose(.usual) == a.id && mixed.refusals(of: a.id, by: .usual).isEmpty)
        // The push met a host on which its release was live before: it goes back from it.
        #expect(try choice([back, back, ahead]).choose(.usual) == a.id)
        #expect(choice([back, back, ahead]).refusals(of: a.id, by: .usual).isEmpty)
        // A note that cannot be is one of an earlier command.
        way.wayBacks = [hosts[0]: c.id]
        #expect(try choice([ahead]).choose(.usual) == a.id)
    }

    @Test("where no way leads back, what hosts went back from is named with what goes there")
    func waysOn() throws {
        let back = ring((a, .live), (b, .retired), (c, .bad))
        let told = refusal([back, back, ring((a, .live))], .rollback)
        #expect(told.contains("no way back. Release \(b.id) is still there: slotsync flip \(b.id) --hosts"), "\(told)")
        #expect(
            told.contains("h[1-2]") && !told.contains("\(c.id)") && told.contains("slotsync push SOURCE"), "\(told)")
        #expect(!refusal([ring((a, .live))], .rollback).contains("is still there: slotsync flip"))
    }

    @Test("a release that some hosts went back from is not flipped to by itself because it is ready on others")
    func leftBySome() throws {
        var left = ring((a, .live), (b, .retired))
        left.passedStage = 2
        let ready = ring((a, .live), (b, .ready))
        let told = refusal([left, ready, ready])
        #expect(told.hasPrefix("h1: went back from release \(b.id)"), "\(told)")
        #expect(told.contains("slotsync flip \(b.id)"), "\(told)")
        #expect(try choose([left, ready], .flip, .id(b.id)) == b.id)
        // Staged again, it is the last one staged; an older release is none that was left.
        var again = ring((a, .live), (b, .ready))
        again.passedStage = 1
        #expect(try choose([again, ready]) == b.id)
        var older = ring((b, .retired), (a, .live))
        older.passedStage = 2
        #expect(try choose([older, ready]) == b.id)
    }

    @Test("what a rollback passed over is not flipped to by itself, but named with what to type")
    func passedOver() throws {
        var passed = ring((a, .live), (b, .retired), (c, .ready))
        passed.passedStage = 3
        let told = refusal([ring((a, .live)), passed])
        #expect(told.contains("h2: release \(c.id) is ready") && told.contains("slotsync flip \(c.id)"), "\(told)")
        #expect(try choose([passed], .flip, .text(c.id.description)) == c.id)
    }
}
