import Dispatch
import Testing

@testable import SlotSync

@Suite("Work that is not waited for for ever", .timeLimit(.minutes(1)))
struct DetachedWorkTests {
    @Test("what takes too long is left, and nothing else is begun until it is done")
    func late() {
        let work = DetachedWork<Int>()
        let gate = DispatchSemaphore(value: 0)
        #expect(work.perform(until: .now + .seconds(60)) { 1 } == 1)
        let hung = work.perform(until: .now + .milliseconds(50)) {
            gate.wait()
            return 2
        }
        #expect(hung == nil)
        #expect(work.perform(until: .now) { 3 } == nil)
        gate.signal()
        #expect(work.perform(until: .now + .seconds(60)) { 4 } == 4, "what was left is an old answer")
    }

    @Test("whoever has something else to do goes on at once")
    func over() {
        let work = DetachedWork<Int>()
        let gate = DispatchSemaphore(value: 0)
        var asked = 0
        let answer = work.perform(
            until: .now + .seconds(600),
            unless: {
                asked += 1; return asked > 2
            }
        ) {
            gate.wait()
            return 1
        }
        #expect(answer == nil && asked == 3)
        gate.signal()
    }
}
