import Testing

@testable import SlotSync

@Suite("How far a stage is")
struct StageProgressTests {
    @Test("a total is known when all hosts have said what they lack, or have ended")
    func total() {
        var progress = StageProgress(hostCount: 3)
        progress.plan(0, before: 5, planned: 100)
        #expect(progress.planned == nil && progress.share == 0)
        progress.note(0, bytes: 55)
        progress.end(1)
        #expect(progress.planned == nil && progress.made == 50 && progress.share == 0.5)
        progress.plan(2, before: 0, planned: 10)
        #expect(progress.planned == 110)
        progress.end(0)
        progress.end(2)
        #expect(progress.made == 110 && progress.share == 1)
    }

    @Test("what hosts say beyond all measure is counted as much as can be")
    func overflow() {
        var progress = StageProgress(hostCount: 3)
        for host in 0..<3 { progress.plan(host, before: 0, planned: .max) }
        for host in 0..<3 { progress.note(host, bytes: .max - UInt64(host)) }
        for host in 0..<3 { progress.end(host) }
        #expect(progress.planned == .max && progress.made == .max && progress.share == 1)
    }

    @Test("neither the share nor the bytes ever become fewer, whatever hosts say, and both come to their end")
    func monotone() {
        var random = SeededGenerator(seed: 30)
        for _ in 0..<200 {
            var progress = StageProgress(hostCount: 5)
            var (made, share) = (UInt64(0), 0.0)
            for _ in 0..<100 {
                let host = Int.random(in: 0..<5, using: &random)
                switch Int.random(in: 0..<6, using: &random) {
                case 0:
                    progress.plan(
                        host, before: .random(in: 0...9, using: &random), planned: .random(in: 0...99, using: &random))
                case 1: progress.end(host)
                default: progress.note(host, bytes: .random(in: 0...120, using: &random))
                }
                #expect(progress.made >= made && progress.share >= share && progress.share <= 1)
                (made, share) = (progress.made, progress.share)
            }
            for host in 0..<5 { progress.end(host) }
            #expect(progress.share == 1 && progress.planned == progress.made)
        }
    }
}
