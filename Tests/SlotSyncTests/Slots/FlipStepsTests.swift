// What stands on the disk at the moment of a switch, where the machine or the agent may die.

import SystemPackage
import Testing

@testable import SlotSync

@Suite("The steps of a flip")
struct FlipStepsTests {
    /// A ring that looks at its state as whoever comes after a crash would, right after each switch of `current`.
    private final class CrashingRing: FlipRing {
        let ring: Ring
        private(set) var owed: [OwedHook?] = []
        var failure: Errno?

        init(_ ring: Ring) { self.ring = ring }

        var state: RingState { ring.state }
        var handMade: HandMadeCurrent? { ring.handMade }
        func lack(of slot: Int) -> SlotLack? { ring.lack(of: slot) }
        func slotOfCurrent() throws(SlotSyncError) -> Int? { try ring.slotOfCurrent() }

        func pointCurrent(
            at slot: Int?, isWayBack: Bool
        ) throws(Errno) -> (moment: Timestamp, warnings: [String]) {
            if let failure { throw failure }
            let switched = try ring.pointCurrent(at: slot, isWayBack: isWayBack)
            owed.append((try? Ring.open(ring.path))?.state.status.owedHook)
            return switched
        }

        func update(_ change: (inout RingState) -> Void) throws { try ring.update(change) }
        func note(_ change: (inout RingState) -> Void) -> String? { ring.note(change) }
        func switchFailure(_ what: (String) -> String, _ error: Errno) -> SlotSyncError {
            ring.switchFailure(what, error)
        }
    }

    private static func flip(_ scene: FlipScene) throws -> (CrashingRing, PreparedFlip) {
        let ring = try #require(try Ring.open(scene.root.string))
        try ring.acquireLock(for: "a test")
        let crashing = CrashingRing(ring)
        let request = FlipRequest(
            direction: .flip, release: scene.ready, beforeHook: "", afterHook: "after", undoHook: "undo",
            provisionalLimit: nil)
        return (crashing, PreparedFlip(request, to: 2, in: crashing))
    }

    @Test("from the rename on the hook that belongs to it is owed, on the way there and back")
    func owed() throws {
        let scene = try FlipScene()
        var (ring, flip) = try Self.flip(scene)
        _ = try flip.move(in: ring)
        #expect(ring.owed.last??.kind == .afterFlip && ring.owed.last??.release == scene.ready)
        _ = try flip.moveBack(in: ring)
        #expect(ring.owed.last??.kind == .afterRollback && ring.owed.last??.release == scene.live)
        #expect(try scene.current() == "slots/1")
    }

    @Test("what was owed before is owed again where the rename back fails")
    func failedBack() throws {
        let scene = try FlipScene()
        var (ring, flip) = try Self.flip(scene)
        _ = try flip.move(in: ring)
        let before = ring.state.status.owedHook
        ring.failure = .resourceBusy
        #expect(throws: SlotSyncError.self) { try flip.moveBack(in: ring) }
        #expect(try scene.state().status.owedHook == before)
        #expect(before?.kind == .afterFlip && flip.standing == .lasting)
    }
}
