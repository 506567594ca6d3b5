// Pairs stand together by who needs them: whatever the cohorts, each gets what it needs, once, and nothing else.

import Testing

@testable import SlotSync

@Suite("Groups of pairs")
struct PairGroupsTests {
    private func pair(_ entry: Int, _ basis: Int = 0) -> Need {
        Need(entry: UInt32(entry), basis: basis == 0 ? nil : ContentDigest(high: 0, low: UInt64(basis)))
    }

    private func needs(_ random: inout SeededGenerator) -> [Need] {
        (0..<8).compactMap { entry in random.below(2) == 0 ? nil : pair(entry, random.below(2)) }
    }

    @Test("every cohort gets exactly its pairs, each once", arguments: 0..<300 as Range<UInt64>)
    func exact(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var groups = PairGroups()
        for _ in 0..<4 {
            let before = groups.pairs
            var cohorts: [[Need]] = []
            for _ in 0..<random.below(4) {
                let cohort = needs(&random)
                if !cohorts.contains(cohort) { cohorts.append(cohort) }
            }
            let (needed, new) = groups.add(cohorts)
            #expect(new == before.count..<groups.pairs.count)
            #expect(Array(groups.pairs.prefix(before.count)) == before, "what is encoded stays as it is")
            for (cohort, wanted) in zip(needed, cohorts) {
                let given = cohort.flatMap { groups.pairs[$0] }
                #expect(given.count == wanted.count && Set(given) == Set(wanted))
            }
            // Of what came together, no pair is encoded twice.
            let encoded = new.flatMap { groups.pairs[$0] }
            #expect(Set(encoded).count == encoded.count)
            #expect(new.allSatisfy { groups.pairs[$0].map(\.entry) == groups.pairs[$0].map(\.entry).sorted() })
        }
    }

    @Test("cohorts that share most of what they need share most of the groups")
    func shared() {
        var groups = PairGroups()
        let common = (0..<10).map { pair($0) }
        let (needed, _) = groups.add([common + [pair(10)], common + [pair(11)], common])
        #expect(groups.pairs.count == 3)
        #expect(needed.map(\.count) == [2, 2, 1])
        #expect(groups.pairs.contains(common))
    }

    @Test("a late cohort with the same needs costs nothing, and so does the next one with fewer")
    func late() {
        var groups = PairGroups()
        _ = groups.add([(0..<4).map { pair($0) }])
        #expect(groups.add([(0..<4).map { pair($0) }]).groups == [[0]])
        let fewer = [pair(1), pair(2)]
        #expect(groups.add([fewer]).groups == [[1]])
        let (again, new) = groups.add([fewer])
        #expect(again == [[1]] && new.isEmpty)
    }

    @Test("two earlier groups that share a pair are not both sent")
    func overlapping() {
        var groups = PairGroups()
        _ = groups.add([[pair(1), pair(2)]])
        _ = groups.add([[pair(0), pair(1)]])
        let (needed, _) = groups.add([[pair(0), pair(1), pair(2)]])
        #expect(needed[0].flatMap { groups.pairs[$0] }.map(\.entry).sorted() == [0, 1, 2])
    }

    @Test("equal fleets get equal groups")
    func deterministic() {
        func groups() -> [[Need]] {
            var random = SeededGenerator(seed: 8)
            var groups = PairGroups()
            _ = groups.add((0..<5).map { _ in needs(&random) })
            return groups.pairs
        }
        #expect(groups() == groups())
    }
}
