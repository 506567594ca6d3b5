import Testing

@testable import SlotSync

@Suite("The pool of lists of needs")
struct NeedsPoolTests {
    private func needs(_ count: Int, basis: Int? = nil) -> [Need] {
        (0..<count).map { Need(entry: UInt32($0), basis: basis.map { ContentDigest(high: 1, low: UInt64($0)) }) }
    }

    @Test("equal lists are one, held once; lists that differ in one need are two")
    func equal() {
        var pool = NeedsPool()
        #expect(pool.number(of: needs(1000)) == 0)
        #expect(pool.number(of: needs(1000)) == 0)
        #expect(pool.number(of: needs(999)) == 1)
        for index in [0, 1, 500, 999] {
            var other = needs(1000)
            other[index].basis = .empty
            #expect(pool.number(of: other) == pool.lists.count - 1)
            #expect(pool.number(of: other) == pool.lists.count - 1)
        }
        #expect(pool.number(of: []) == 6 && pool.lists.count == 7)
        let held = pool.shared(needs(1000)).withUnsafeBufferPointer { $0.baseAddress }
        #expect(pool.shared(needs(1000)).withUnsafeBufferPointer { $0.baseAddress } == held)
    }
}
