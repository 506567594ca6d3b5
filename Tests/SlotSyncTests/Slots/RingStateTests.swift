// What a ring remembers, and what becomes of it when `current` says otherwise.

import Testing

@testable import SlotSync

@Suite("The state of a ring")
struct RingStateTests {
    private static func random(_ random: inout SeededGenerator) -> RingState {
        var state = RingState(slotCount: 2 + random.below(8))
        let count = state.status.slots.count
        for slot in 1...count {
            let kind = SlotState.allCases.filter { $0 != .live }[random.below(5)]
            state.status[slot].state = kind
            if kind != .empty || random.below(2) == 0 {
                let names = ["", "v1", "a b=c%20\n\u{1b}", "ä漢😀", "%", "="]
                state.status[slot].release = ReleaseName(
                    id: ContentDigest(high: random.next(), low: random.next()), name: names[random.below(names.count)])
            }
            state.status[slot].since = Int64(bitPattern: random.next())
            state.status[slot].reason = ["", "errors rose = 5%\n"][random.below(2)]
            state.status[slot].previous = random.below(2) == 0 ? nil : 1 + random.below(count)
            state.status[slot].stage = random.below(1 << 32)
        }
        if random.below(2) == 0, let slot = (1...count).first(where: { state.status[$0].state.isSealed }) {
            state.status[slot].state = .live
        }
        for _ in 0..<random.below(4) {
            state.note(
                FlipRecord(
                    kind: [.flip, .rollback, .undo][random.below(3)], at: Int64(random.below(1_000_000)),
                    fromSlot: random.below(2) == 0 ? nil : 1 + random.below(count), toSlot: 1 + random.below(count),
                    release: ContentDigest(high: 1, low: random.next()), name: ["", "v 1=2"][random.below(2)],
                    reason: ["", "no=word of %\n"][random.below(2)], isSettled: random.below(2) == 0))
        }
        state.status.passedStage = random.below(1 << 32)
        if random.below(2) == 0 {
            state.status.owedHook = OwedHook(
                OwedHook.Kind.allCases[random.below(2)], release: ContentDigest(high: random.next(), low: 1),
                since: Int64(random.below(1 << 40)))
        }
        if random.below(2) == 0, let slot = (1...count).first(where: { state.status[$0].state == .ready }) {
            state.noteProvisional(
                FlipChange(to: slot, in: state.status), since: Int64(random.below(1 << 40)),
                limit: .milliseconds(1000 + random.below(599_001)), undoHook: ["", "echo 'a=b' % ä\n"][random.below(2)])
            state.wayBack?.isFlipped = random.below(2) == 0
        }
        return state
    }

    @Test("what is written is read again", arguments: 0..<200 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let state = Self.random(&random)
        #expect(try RingState(decoding: state.encoded(), path: "state") == state)
    }

    @Test("a file that was cut off or changed in any bit is refused")
    func damage() throws {
        var random = SeededGenerator(seed: 5)
        var bytes = Self.random(&random).encoded()
        // Less fill, so that each byte can be tried.
        bytes = try #require(RingState(decoding: bytes, path: "state").encoded(within: 4096))
        for length in 0..<bytes.count {
            #expect(errorCode { _ = try RingState(decoding: Array(bytes.prefix(length)), path: "state") } == .corrupt)
        }
        for position in bytes.indices {
            var changed = bytes
            changed[position] ^= 1 << UInt8(random.below(8))
            #expect(errorCode { _ = try RingState(decoding: changed, path: "state") } == .corrupt)
        }
    }

    @Test(
        "a file whose checksum is right but whose slots make no sense is refused",
        arguments: [
            "slotsync state 2\n", "slotsync state 1\n", "slotsync state 1\nslot 1 ready since=1 previous=0\n",
            "slotsync state 1\nslot 1 empty since=1 previous=0\n",
            "slotsync state 1\nslot 2 empty since=1 previous=0\nslot 1 empty since=1 previous=0\n",
            "slotsync state 1\nslot 1 empty since=1 previous=3\nslot 2 empty since=1 previous=0\n",
            "slotsync state 1\nslot 1 empty since=1 previous=0\nslot 2 asleep since=1 previous=0\n",
            "slotsync state 1\nslot 1 empty since=1 previous=0\nslot 2 empty since=1 previous=0\nslip\n",
            "slotsync state 1\nslot 1 empty since=1 previous=0\nslot 2 staging since=1 previous=0\n",
            "slotsync state 1\nslot 1 empty since=1 previous=0\nslot 2 empty since=1 previous=0\npassed 3\n",
            "slotsync state 3\nslot 1 empty since=1 previous=0\nslot 2 empty since=1 previous=0\npassed -3\n",
            "slotsync state 3\nslot 1 empty since=1 previous=0\nslot 2 empty since=1 previous=0\nowed lunch\n",
            "slotsync state 3\nslot 1 empty since=1 previous=0 stage=-1\nslot 2 empty since=1 previous=0\n",
        ])
    func nonsense(text: String) {
        let body = Array(text.utf8)
        let bytes = body + Array("checksum \(ContentDigest(of: body))\n".utf8)
        #expect(errorCode { _ = try RingState(decoding: bytes, path: "state") } == .corrupt)
    }

    @Test("a state that the first version wrote is read, and what was ready for a flip in it still is")
    func firstVersion() throws {
        let id = ContentDigest(high: 1, low: 2)
        let text = """
            slotsync state 1
            slot 1 live release=\(id) since=5 previous=2 name=v1%20a reason=
            slot 2 ready release=\(id) since=4 previous=0 name= reason=
            slot 3 bad release=\(id) since=4 previous=0 name= reason=slow%3d
            flip at=5 from=2 to=1 release=\(id)

            """
        let bytes = Array(text.utf8) + Array("checksum \(ContentDigest(of: Array(text.utf8)))\n".utf8)
        var state = try RingState(decoding: bytes, path: "state")
        #expect(state.status[3].reason == "slow=" && state.status[1].release?.name == "v1 a")
        #expect(state.status.readySlot == 2 && state.status.passedSlot == nil)
        #expect(try RingState(decoding: state.encoded(), path: "state") == state)
        state.noteProvisional(
            FlipChange(to: 2, in: state.status), since: 1, limit: .seconds(5), undoHook: "reload")
        #expect(String(decoding: state.encoded(), as: UTF8.self).hasPrefix("slotsync state 3\n"))
        #expect(try RingState(decoding: state.encoded(), path: "state") == state)
    }

    @Test("a state of a later version is no damage, but another program's")
    func laterVersion() {
        let body = Array("slotsync state 4\nslot of another form\n".utf8)
        let bytes = body + Array("checksum \(ContentDigest(of: body))\n".utf8)
        #expect(errorCode { _ = try RingState(decoding: bytes, path: "state") } == .versionMismatch)
    }

    private static let twoSlots = """
        slot 1 live release=00000000000000010000000000000002 since=1 previous=0
        slot 2 ready release=00000000000000010000000000000003 since=1 previous=0

        """
    private static let line = "provision slot=2 from=1 since=1 limit=1000 flipped=0 hook=\n"
    private static let before = """
        before 2 ready release=00000000000000010000000000000003 since=1 previous=0
        before 1 live release=00000000000000010000000000000002 since=1 previous=0

        """

    @Test("a provisional flip that makes no sense is refused")
    func nonsenseProvisional() {
        let right = Self.line + Self.before
        func code(_ text: String, version: Int = 2, slots: String = Self.twoSlots) -> SlotSyncError.Code? {
            let body = Array("slotsync state \(version)\n\(slots)\(text)".utf8)
            let bytes = body + Array("checksum \(ContentDigest(of: body))\n".utf8)
            return errorCode { _ = try RingState(decoding: bytes, path: "state") }
        }
        #expect(code(right) == nil)
        #expect(code(right, version: 1) == .corrupt)
        let changes = [
            ("slot=2", "slot=1"), ("slot=2", "slot=3"), ("from=1", "from=0"), ("from=1", "from=3"),
            ("limit=1000", "limit=1"), ("limit=1000", "limit=600001"), ("since=1 limit", "limit"), (" hook=", ""),
            ("before 2 ready", "before 2 live"), ("before 2 ready", "before 2 staging"),
            ("before 1 live", "before 1 retired"), ("before 1", "before 3"), ("previous=0", "previous=7"),
        ]
        for (old, new) in changes {
            let changed = right.replacing(old, with: new, maxReplacements: 1)
            #expect(changed != right && code(changed) == .corrupt, "\(old) -> \(new)")
        }
        // Taken back, it would leave two slots live.
        let another =
            Self.twoSlots.replacing("1 live", with: "1 retired")
            + Self.twoSlots.prefix { $0 != "\n" }
            .replacing("slot 1", with: "slot 3") + "\n"
        #expect(code("", slots: another) == nil && code(right, slots: another) == .corrupt)
        for text in [Self.line, Self.before, Self.line + right, right + Self.before + "before 2"] {
            #expect(code(text) == .corrupt, "\(text)")
        }
    }

    @Test("the largest state is read again")
    func largest() throws {
        var state = RingState(slotCount: RingStatus.slotCounts.upperBound)
        let release = ReleaseName(id: .empty, name: String(repeating: "é", count: ReleaseName.longestName / 2))
        for slot in 1...state.status.slots.count {
            state.status[slot] = SlotStatus(state: .ready, release: release, since: .max, previous: 9)
        }
        state.markBad(release.id, because: String(repeating: "é", count: 9999), at: .max)
        state.status[1].state = .live
        for _ in 0..<RingState.longestHistory {
            state.noteUndo(
                of: FlipChange(to: 3, in: state.status), at: .max, because: String(repeating: "é", count: 999))
        }
        state.noteProvisional(
            FlipChange(to: 2, in: state.status), since: .max, limit: .seconds(600),
            undoHook: String(repeating: "\n", count: WireLimits.longestHook))
        let bytes = state.encoded()
        #expect(bytes.count <= RingState.largestFile, "\(bytes.count)")
        #expect(try RingState(decoding: bytes, path: "state") == state)
    }

    @Test("a flip and its undo leave the slots as they were, whatever they were")
    func flipAndBack() {
        for kind in [SlotState.ready, .retired, .bad] {
            for from in [nil, 1] {
                var state = RingState(slotCount: 3)
                for slot in 1...3 {
                    state.status[slot] = SlotStatus(
                        state: .retired, release: ReleaseName(id: ContentDigest(high: 0, low: UInt64(slot))), since: 1)
                }
                if from == 1 { state.status[1].state = .live }
                (state.status[2].state, state.status[2].reason, state.status[2].previous) = (
                    kind, kind == .bad ? "slow" : "", 3
                )
                let before = state
                let change = FlipChange(to: 2, in: state.status)
                state.note(change, as: .flip, at: 9)
                #expect(state.status.live == 2 && state.status[2].reason.isEmpty && state.status[2].previous == from)
                state.noteUndo(of: change, at: 10, because: "silence")
                #expect(state.status.slots == before.status.slots)
                #expect(state.history.map(\.kind) == [.flip, .undo] && state.history[1].reason == "silence")
            }
        }
    }

    @Test("the history keeps the newest flips")
    func history() {
        var state = RingState(slotCount: 2)
        for number in 0..<RingState.longestHistory + 10 {
            state.note(FlipRecord(kind: .flip, at: Int64(number), fromSlot: 1, toSlot: 2, release: .empty))
        }
        #expect(state.history.count == RingState.longestHistory)
        #expect(state.history.first?.at == 10)
        #expect(state.encoded().count <= RingState.largestFile)
    }

    @Test("current decides what is live, whatever was remembered")
    func reconciled() {
        for remembered in 0...3 {
            for current in 0...3 {
                for kind in SlotState.allCases where kind != .live {
                    var state = RingState(slotCount: 3)
                    for slot in 1...3 {
                        let release = ReleaseName(id: ContentDigest(high: 0, low: UInt64(slot)))
                        state.status[slot] = SlotStatus(state: kind, release: release, since: 1)
                    }
                    if remembered > 0 { state.status[remembered].state = .live }
                    let before = state
                    state = state.reconciled(with: current == 0 ? nil : current, at: 7)
                    #expect(state.status.live == (current == 0 ? nil : current))
                    #expect(state.status.slots.count { $0.state == .live } <= 1)
                    if remembered == current {
                        #expect(state == before)
                    } else {
                        if remembered > 0 { #expect(state.status[remembered].state == .retired) }
                        if remembered > 0, current > 0 { #expect(state.status[current].previous == remembered) }
                    }
                }
            }
        }
    }

    @Test("a rollback that was cut short leaves the way back as it was")
    func reconciledRollback() {
        var state = RingState(slotCount: 5)
        for slot in 1...3 {
            let release = ReleaseName(id: ContentDigest(high: 0, low: UInt64(slot)))
            state.status[slot] = SlotStatus(state: .retired, release: release, stage: slot)
        }
        state.status[4] = SlotStatus(state: .ready, release: ReleaseName(id: .empty), stage: 4)
        (state.status[3].state, state.status[3].previous, state.status[2].previous) = (.live, 2, 1)
        state = state.reconciled(with: 2, at: 7)
        #expect(state.status[2].previous == 1 && state.history.last?.kind == .rollback)
        #expect(state.status.readySlot == nil && state.status.passedSlot == 4)
    }

    @Test("no slot goes back to one that is being filled with something else")
    func beginStaging() {
        let (old, new) = (ContentDigest(high: 1, low: 1), ContentDigest(high: 2, low: 2))
        var state = RingState(slotCount: 2)
        state.status[1] = SlotStatus(state: .live, release: ReleaseName(id: new), previous: 2)
        state.status[2] = SlotStatus(state: .retired, release: ReleaseName(id: old))
        #expect(state.status.previous == 2)
        var same = state
        same.beginStaging(ReleaseName(id: old), in: 2, at: 7)
        same.status[2].state = .ready
        #expect(same.status.previous == 2)
        state.beginStaging(ReleaseName(id: new), in: 2, at: 7)
        #expect(state.status[2] == SlotStatus(state: .staging, release: ReleaseName(id: new), since: 7, stage: 1))
        state.status[2].state = .ready
        #expect(state.status.previous == nil)
    }

    /// A ring whose slots hold these releases, by small numbers; 0: it is empty.
    private func state(_ slots: (release: UInt64, state: SlotState, previous: Int?)...) -> RingState {
        var state = RingState(slotCount: slots.count)
        for (index, slot) in slots.enumerated() where slot.release > 0 {
            state.status[index + 1] = SlotStatus(
                state: slot.state, release: ReleaseName(id: ContentDigest(high: 0, low: slot.release)),
                previous: slot.previous, stage: index + 1)
        }
        return state
    }

    @Test("a rollback goes to the last other release, past copies of the live one")
    func previousOther() {
        var state = state((1, .retired, nil), (2, .live, 1), (2, .ready, nil), (0, .empty, nil))
        state.note(FlipChange(to: 3, in: state.status), as: .flip, at: 1)
        #expect(state.status.live == 3 && state.status.previous == 1)
        // As an agent of before wrote it.
        state.status[3].previous = 2
        #expect(state.status.previous == 1)
        // A chain that ends in the live release, or goes round, is no way back.
        state.status[2].previous = 3
        #expect(state.status.previous == nil)
    }

    @Test("where the release before is overwritten, the one before that is the way back")
    func overwrittenPrevious() {
        var state = state((1, .retired, nil), (2, .retired, 1), (3, .live, 2))
        state.beginStaging(ReleaseName(id: ContentDigest(high: 0, low: 4)), in: 2, at: 1)
        #expect(state.status.previous == 1)
    }

    @Test(
        "a stage fills an empty slot, else the next that is neither live, nor the way back, nor ready, and the oldest ready one last"
    )
    func slotToFill() {
        func id(_ number: UInt64) -> ContentDigest { ContentDigest(high: 0, low: number) }
        let five = state(
            (1, .retired, nil), (2, .live, 1), (3, .ready, nil), (4, .retired, nil), (5, .retired, nil)
        ).status
        #expect(five.next == 4)
        #expect(five.slotToFill(with: id(3)) == 3 && five.slotToFill(with: id(4)) == 4)
        // The way back is not filled, not even with what it holds; nor is what is live.
        #expect(five.slotToFill(with: id(1)) == 4 && five.slotToFill(with: id(2)) == 4)
        var interrupted = five
        interrupted[5] = SlotStatus(state: .staging, release: ReleaseName(id: id(5)), stage: 6)
        #expect(interrupted.next == 5 && interrupted.slotToFill(with: id(3)) == 3)
        let three = state((1, .retired, nil), (2, .live, 1), (3, .ready, nil)).status
        #expect(three.next == 3)
        let full = state((5, .ready, nil), (2, .live, 3), (3, .retired, nil), (4, .ready, nil)).status
        #expect(full.next == 1, "the oldest, not the next")
        let two = state((1, .retired, nil), (2, .live, 1)).status
        #expect(two.next == 1)
        // After a rollback: the release that the host went back from stays as long as there is room.
        let wentBack = state((1, .live, nil), (2, .retired, 1), (3, .bad, nil), (0, .empty, nil)).status
        #expect(wentBack.next == 4 && wentBack.slotToFill(with: id(2)) == 2)
    }

    @Test("what was staged last is ready for a flip, unless a rollback or a bad release passed it over")
    func ready() {
        var state = state((1, .live, nil), (2, .ready, nil), (3, .ready, nil), (4, .ready, nil))
        #expect(state.status.readySlot == 4)
        state.note(FlipChange(to: 3, in: state.status), as: .flip, at: 1)
        #expect(state.status.readySlot == 4, "staged after what is live")
        state.note(FlipChange(to: 4, in: state.status), as: .flip, at: 2)
        #expect(state.status.readySlot == nil && state.status.passedSlot == nil, "slot 2 is older")
        state.note(FlipChange(to: 3, in: state.status), as: .rollback, at: 3)
        #expect(state.status.readySlot == nil)
        state.note(FlipChange(to: 1, in: state.status), as: .rollback, at: 3)
        #expect(state.status.readySlot == nil && state.status.passedSlot == 2)
        state.noteFound(ReleaseName(id: ContentDigest(high: 0, low: 2)), in: 2, at: 4)
        #expect(state.status.readySlot == 2, "staged again")
        state.beginStaging(ReleaseName(id: ContentDigest(high: 0, low: 9)), in: 4, at: 5)
        state.noteSealed(ReleaseName(id: ContentDigest(high: 0, low: 9)), in: 4, at: 6)
        #expect(state.status.readySlot == 4)
        state.markBad(ContentDigest(high: 0, low: 9), because: "slow", at: 7)
        #expect(state.status.readySlot == nil && state.status.passedSlot == 2)
    }

    @Test("a release that is staged under another name has that one everywhere, and the history the old one")
    func renamed() {
        var state = state((1, .retired, nil), (2, .live, 1), (1, .ready, nil))
        for slot in [1, 3] { state.status[slot].release?.name = "old" }
        state.note(FlipChange(to: 1, in: state.status), as: .flip, at: 1)
        state.noteFound(ReleaseName(id: ContentDigest(high: 0, low: 1), name: "new"), in: 3, at: 2)
        #expect(state.status[1].release?.name == "new" && state.status[3].release?.name == "new")
        #expect(state.history.map(\.name) == ["old"])
        state.noteFound(ReleaseName(id: ContentDigest(high: 0, low: 1)), in: 3, at: 2)
        #expect(state.status[1].release?.name == "new", "no name takes none away")
    }

    @Test("a hook is owed to the release that went live, and to no other")
    func owedHook() {
        var state = state((1, .live, nil), (2, .ready, nil))
        let change = FlipChange(to: 2, in: state.status)
        state.note(change, as: .flip, at: 1, owing: .afterFlip)
        #expect(state.status.owedHook == OwedHook(.afterFlip, release: change.release.id, since: 1))
        state.noteUndo(of: change, at: 2, hook: .owed)
        #expect(state.status.owedHook?.kind == .afterRollback)
        #expect(state.status.owedHook?.release == state.status.liveRelease?.id)
        state.note(change, as: .flip, at: 3)
        #expect(state.status.owedHook == nil)
    }

    @Test("what was owed before a flip is owed again when it is taken back, unless the hook of the way back has run")
    func owedBefore() throws {
        var state = state((1, .live, nil), (2, .ready, nil))
        let debt = OwedHook(.afterFlip, release: ContentDigest(high: 0, low: 1), since: 5)
        state.status.owedHook = debt
        let change = FlipChange(to: 2, in: state.status)
        for isProvisional in [true, false] {
            var flipped = state
            if isProvisional {
                flipped.noteProvisional(change, since: 1, limit: .seconds(5), undoHook: "")
            } else {
                flipped.keepOwedHook()
                flipped.status.owedHook = OwedHook(.afterFlip, release: change.release.id, since: 6)
                #expect(flipped.reconciled(with: 1, at: 7).status.owedHook == debt, "killed before the rename")
                #expect(flipped.reconciled(with: 2, at: 7).status.owedHook?.release == change.release.id)
            }
            flipped.note(change, as: .flip, at: 6, owing: .afterFlip)
            flipped = try RingState(decoding: flipped.encoded(), path: "state")
            #expect(flipped.reconciled(with: 1, at: 7).status.owedHook == debt, "killed on the way back")
            var back = flipped
            back.noteUndo(of: change, at: 8)
            #expect(back.status.owedHook == debt)
            back = flipped
            back.noteUndo(of: change, at: 8, hook: .done)
            #expect(back.status.owedHook == nil)
            back = flipped
            back.noteUndo(of: change, at: 8, hook: .owed)
            #expect(back.status.owedHook?.kind == .afterRollback)
        }
        // It is settled: nothing of it comes back later.
        state.status.owedHook = nil
        state.keepOwedHook()
        state.note(change, as: .flip, at: 9)
        state.noteUndo(of: change, at: 10)
        #expect(state.status.owedHook == nil)
    }

    @Test("a provisional flip of an agent that numbered no stages is ready again when it was taken back")
    func oldProvisional() throws {
        let body = Array(
            """
            slotsync state 2
            slot 1 retired release=00000000000000010000000000000002 since=1 previous=0
            slot 2 live release=00000000000000010000000000000003 since=1 previous=1
            slot 3 empty release=- since=0 previous=0
            provision slot=2 from=1 since=1 limit=1000 flipped=1 hook=
            before 2 ready release=00000000000000010000000000000003 since=1 previous=0
            before 1 live release=00000000000000010000000000000002 since=1 previous=0

            """.utf8)
        let bytes = body + Array("checksum \(ContentDigest(of: body))\n".utf8)
        var state = try RingState(decoding: bytes, path: "state")
        let change = try #require(state.wayBack?.change)
        state.noteUndo(of: change, at: 5)
        #expect(state.status.live == 1 && state.status.readySlot == 2)
    }

    @Test("a rollback passes over what is bad, and goes to a bad release only where there is no other")
    func badPrevious() {
        var state = state((1, .retired, nil), (2, .bad, 1), (3, .live, 2), (4, .ready, nil))
        #expect(state.status.previous == 1)
        #expect(state.status.slotToFill() == 2, "the way back is not filled")
        state.status[1].state = .bad
        #expect(state.status.previous == 2)
    }
}
