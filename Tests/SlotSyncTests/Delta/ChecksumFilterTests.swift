// What is in the filter passes it; what is not hardly ever does, however many blocks there are.

import Testing

@testable import SlotSync

struct ChecksumFilterTests {
    @Test(arguments: [(0, 1), (10, 1), (1000, 1), (23_000, 1), (500_000, 8)])
    func admittedChecksumsPassAndFewOthers(blockCount: Int, mostPerThousand: Int) {
        var generator = SeededGenerator(seed: UInt64(blockCount))
        let admitted = (0..<blockCount).map { _ in UInt32(truncatingIfNeeded: generator.next()) }
        var filter = ChecksumFilter(blockCount: blockCount)
        for weak in admitted { filter.admit(weak) }
        let others = (0..<100_000).map { _ in generator.next() }
        let (lost, passed) = filter.withTables { filter in
            (admitted.count { !filter.pass(UInt64($0) << 32) }, others.count { filter.pass($0) })
        }
        #expect(lost == 0)
        #expect(passed <= others.count / 1000 * mostPerThousand)
    }
}
