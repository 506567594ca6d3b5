// Search by halving, held against a search of every element.

import Testing

@testable import SlotSync

@Suite("Search in sorted arrays")
struct SortedSearchTests {
    @Test("finds what a search of every element finds, in slices as well", arguments: 0..<9)
    func allKeys(count: Int) {
        let sorted = (0..<count).map { (key: 2 * $0 + 1, value: "\($0)") }
        for start in 0...count {
            let slice = sorted[start...]
            for key in -1...2 * count + 2 {
                #expect(slice.index(of: key) { $0.key } == slice.firstIndex { $0.key == key })
                #expect(slice.partitioningIndex { $0.key >= key } == slice.firstIndex { $0.key >= key } ?? count)
            }
        }
    }

    @Test("of equal keys the first is found")
    func equalKeys() {
        #expect([1, 2, 2, 2, 3].index(of: 2) { $0 } == 1)
    }
}
