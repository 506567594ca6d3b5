// Decides which needs, pairs of content and basis, stand together in frames: those that the very same cohorts have.
// It is a pure value, so that tests can try every constellation of cohorts, and it works on sorted lists, since
// tables of hundreds of thousands of pairs would be most of a controller's memory.

/// Groups pairs by the cohorts that need them.
struct PairGroups: Sendable {
    /// Pairs of each group, sorted by entry. A pair is in more than one where a cohort came late that needs only a part
    /// of a group.
    private(set) var pairs: [[Need]] = []

    /// Adds cohorts that came together.
    ///
    /// - Parameter cohorts: the pairs that each needs.
    /// - Returns: for each cohort the groups that it needs, and which groups are new. The groups of one cohort
    ///   have no pair in common: a host is sent what it needs once, and nothing else.
    mutating func add(_ cohorts: [[Need]]) -> (groups: [[Int]], new: Range<Int>) {
        let firstNew = pairs.count
        var needed: [[Int]] = []
        var missing: [[Need]] = []
        for wanted in cohorts {
            let wanted = wanted.sortedPairs
            let (groups, rest) = earlierGroups(for: wanted)
            needed.append(groups)
            missing.append(rest)
        }
        // Equal fleets get equal patches: the groups are in the order of who needs them.
        let byUsers = Self.byUsers(missing)
        for (users, members) in byUsers.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            for cohort in users { needed[cohort].append(pairs.count) }
            pairs.append(members)
        }
        return (needed, firstNew..<pairs.count)
    }

    /// The pairs that the very same of these sorted lists hold.
    private static func byUsers(_ lists: [[Need]]) -> [[Int]: [Need]] {
        let used = lists.indices.filter { !lists[$0].isEmpty }
        if used.count == 1 { return [used: lists[used[0]]] }
        var groups: [[Int]: [Need]] = [:]
        var positions = [Int](repeating: 0, count: lists.count)
        while true {
            var next: Need?
            for list in used where positions[list] < lists[list].count {
                let head = lists[list][positions[list]]
                if next.map({ head < $0 }) ?? true { next = head }
            }
            guard let next else { return groups }
            var users: [Int] = []
            for list in used where positions[list] < lists[list].count && lists[list][positions[list]] == next {
                users.append(list)
                positions[list] += 1
            }
            groups[users, default: []].append(next)
        }
    }

    /// Earlier groups that serve a cohort, and the pairs that are in none of them. A group serves if all of it is
    /// needed, for nothing is sent that a host has, and none of it is in a group that was taken before.
    private func earlierGroups(for wanted: [Need]) -> (groups: [Int], missing: [Need]) {
        guard !pairs.isEmpty else { return ([], wanted) }
        var isServed = [Bool](repeating: false, count: wanted.count)
        var groups: [Int] = []
        for group in pairs.indices {
            guard let indices = Self.indices(of: pairs[group], in: wanted, isFree: { !isServed[$0] }) else { continue }
            for index in indices { isServed[index] = true }
            groups.append(group)
        }
        return (groups, wanted.indices.filter { !isServed[$0] }.map { wanted[$0] })
    }

    /// Where all of a group's pairs are in a sorted list; nil if one is not there, or not free.
    private static func indices(of group: [Need], in wanted: [Need], isFree: (Int) -> Bool) -> [Int]? {
        guard group.count <= wanted.count else { return nil }
        var indices: [Int] = []
        var index = 0
        for pair in group {
            while index < wanted.count, wanted[index] < pair { index += 1 }
            guard index < wanted.count, wanted[index] == pair, isFree(index) else { return nil }
            indices.append(index)
            index += 1
        }
        return indices
    }
}

extension [Need] {
    /// Sorted, each once. Hosts send them so already.
    fileprivate var sortedPairs: [Need] {
        if zip(self, dropFirst()).allSatisfy({ $0 < $1 }) { return self }
        var sorted: [Need] = []
        for pair in self.sorted() where sorted.last != pair { sorted.append(pair) }
        return sorted
    }
}
