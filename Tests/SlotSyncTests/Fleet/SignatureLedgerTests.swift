// Who is asked for which signature, in whatever order hosts answer, are late or go.

import Testing

@testable import SlotSync

@Suite("The ledger of signatures")
struct SignatureLedgerTests {
    private let start = ContinuousClock.now

    private func basis(_ number: Int) -> ContentDigest { ContentDigest(high: 0, low: UInt64(number)) }

    /// The first of these hosts that was not tried.
    private func among(_ hosts: [Int]) -> (Int, Set<Int>) -> Int? {
        { _, tried in hosts.first { !tried.contains($0) } }
    }

    @Test("signatures are asked for in the order of the entries, each once, whoever waits for it")
    func order() {
        var ledger = SignatureLedger()
        for number in [3, 1, 2] { ledger.want(basis(number), for: 0, size: 1000) }
        ledger.want(basis(1), for: 1, size: 1000)
        let (questions, unavailable) = ledger.ask(at: start, host: among([7]))
        #expect(questions == [7: [basis(3), basis(1), basis(2)]] && unavailable.isEmpty)
        #expect(ledger.isOwed(basis(1), by: 7) && !ledger.isOwed(basis(1), by: 8))
        #expect(ledger.settle(basis(1)) == [0, 1])
        #expect(ledger.settle(basis(1)) == [])
        #expect(ledger.isOwed)
        #expect(ledger.settle(basis(2)) + ledger.settle(basis(3)) == [0, 0])
        #expect(!ledger.isOwed)
    }

    @Test("what is under way and what is not used yet stay within the window, and everything comes in the end")
    func window() {
        var ledger = SignatureLedger()
        let (count, size) = (20_000, 1 << 20)
        let expected = (size / Signature.blockLength(forBasisLength: UInt64(size)) + 1) * 12
        for number in 0..<count { ledger.want(basis(number), for: 0, size: UInt64(size)) }
        var owed: [ContentDigest] = []
        var held = 0
        var settled: [ContentDigest] = []
        var random = SeededGenerator(seed: 4)
        while settled.count < count {
            owed += ledger.ask(at: start, host: among([1])).questions[1] ?? []
            #expect((owed.count + held) * expected <= SignatureLedger.usualWindow + expected)
            try? #require(!owed.isEmpty || held > 0, "nobody would ever go on")
            // Some come, some are used.
            for _ in 0..<random.below(400) where !owed.isEmpty {
                settled.append(owed.removeFirst())
                #expect(ledger.settle(settled[settled.count - 1]) == [0])
                ledger.hold(expected)
                held += 1
            }
            let used = random.below(held + 1)
            for _ in 0..<used { ledger.release(expected) }
            held -= used
        }
        #expect(settled == (0..<count).map(basis))
    }

    @Test("one signature that is larger than the window is asked for nevertheless")
    func large() {
        var ledger = SignatureLedger()
        for number in 0..<2 { ledger.want(basis(number), for: 0, size: 1 << 50) }
        #expect(ledger.ask(at: start, host: among([1])).questions == [1: [basis(0)]])
        #expect(ledger.ask(at: start, host: among([1])).questions.isEmpty)
        _ = ledger.settle(basis(0))
        #expect(ledger.ask(at: start, host: among([1])).questions == [1: [basis(1)]])
    }

    @Test("a host that says it has the basis no longer, or is lost, is replaced by each other one in turn")
    func lost() {
        var ledger = SignatureLedger()
        ledger.want(basis(1), for: 5, size: 1000)
        _ = ledger.ask(at: start, host: among([1, 2, 3]))
        #expect(ledger.owed(by: 1) == [basis(1)])
        #expect(ledger.reassign(basis(1), ownerIsLost: true, at: start, host: among([1, 2, 3])) == .ask(host: 2))
        #expect(ledger.owed(by: 1).isEmpty)
        #expect(ledger.reassign(basis(1), ownerIsLost: true, at: start, host: among([1, 2, 3])) == .ask(host: 3))
        #expect(ledger.reassign(basis(1), ownerIsLost: true, at: start, host: among([1, 2])) == .giveUp(groups: [5]))
        #expect(!ledger.isOwed)
        #expect(ledger.reassign(basis(1), ownerIsLost: true, at: start, host: among([9])) == .wait)
    }

    @Test("a late host is doubled by another; where there is none it is waited for")
    func late() {
        var ledger = SignatureLedger()
        ledger.want(basis(1), for: 0, size: 1000)
        _ = ledger.ask(at: start, host: among([1, 2]))
        #expect(ledger.late(at: start + .seconds(2)).isEmpty)
        ledger.noteProgress(of: 1, at: start + .seconds(2))
        #expect(ledger.late(at: start + .seconds(4)).isEmpty)
        let late = start + .seconds(6)
        #expect(ledger.late(at: late).map(\.basis) == [basis(1)])
        #expect(ledger.reassign(basis(1), ownerIsLost: false, at: late, host: among([1, 2])) == .ask(host: 2))
        #expect(ledger.late(at: late + .seconds(1)).isEmpty)
        #expect(ledger.reassign(basis(1), ownerIsLost: false, at: late + .seconds(9), host: among([1, 2])) == .wait)
        #expect(ledger.settle(basis(1)) == [0])
    }

    @Test("a host that gets on for ever and delivers nothing is overdue, later where there is more to read")
    func overdue() {
        var ledger = SignatureLedger()
        ledger.want(basis(1), for: 7, size: 1000)
        ledger.want(basis(2), for: 7, size: 80 << 30)
        _ = ledger.ask(at: start, host: among([1]))
        func overdue(after seconds: Int) -> [ContentDigest] {
            let now = start + .seconds(seconds)
            ledger.noteProgress(of: 1, at: now)
            return ledger.late(at: now).filter(\.isOverdue).map(\.basis)
        }
        #expect(overdue(after: 59).isEmpty)
        #expect(overdue(after: 61) == [basis(1)])
        #expect(ledger.groups(waitingFor: basis(1)) == [7])
        #expect(Set(overdue(after: 61 + (80 << 10) / 8)) == [basis(1), basis(2)])
    }

    @Test("no more signatures are kept than there is room for, however long they turn out")
    func held() {
        var ledger = SignatureLedger()
        #expect(ledger.hasRoom(for: SignatureLedger.mostHeld))
        ledger.hold(SignatureLedger.mostHeld - 10)
        #expect(ledger.hasRoom(for: 10) && !ledger.hasRoom(for: 11))
        ledger.release(1)
        #expect(ledger.hasRoom(for: 11))
    }

    @Test("a basis whose hosts are gone before they were asked is told")
    func nobody() {
        var ledger = SignatureLedger()
        ledger.want(basis(1), for: 3, size: 1000)
        let (questions, unavailable) = ledger.ask(at: start) { _, _ in nil }
        #expect(questions.isEmpty && unavailable.map(\.basis) == [basis(1)] && unavailable.map(\.group) == [3])
        #expect(!ledger.isOwed)
    }
}
