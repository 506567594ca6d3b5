// Which needs, pairs of content and basis, stand together in frames: those that the very same cohorts have; the same pair
// has the same bytes, whoever needs it. A pure value, so that every constellation of cohorts can be tried in a test.

/// Groups pairs by the cohorts that need them.
struct PairGroups: Sendable {
    /// Pairs of each group, sorted by entry.
    private(set) var pairs: [[Need]] = []
    /// The groups that hold a pair: more than one where a cohort came late that needs only a part of a group.
    private var groupsOfPair: [Need: [Int]] = [:]

    /// Adds cohorts that came together.
    ///
    /// - Parameter cohorts: the pairs that each needs.
    /// - Returns: for each cohort the groups that it needs, and which groups are new. The groups of one cohort
    ///   have no pair in common: a host is sent what it needs once, and nothing else.
    mutating func add(_ cohorts: [[Need]]) -> (groups: [[Int]], new: Range<Int>) {
        let firstNew = pairs.count
        var needed: [[Int]] = []
        // Which cohorts need a pair that no usable group has.
        var users: [Need: [Int]] = [:]
        for (cohort, wanted) in cohorts.enumerated() {
            let (groups, missing) = earlierGroups(for: wanted)
            needed.append(groups)
            for pair in missing { users[pair, default: []].append(cohort) }
        }
        var byUsers: [[Int]: [Need]] = [:]
        for (pair, cohorts) in users { byUsers[cohorts, default: []].append(pair) }
        // In a fixed order, so that equal fleets get equal patches.
        for cohorts in byUsers.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            let members = (byUsers[cohorts] ?? []).sorted { $0.entry < $1.entry }
            for pair in members { groupsOfPair[pair, default: []].append(pairs.count) }
            for cohort in cohorts { needed[cohort].append(pairs.count) }
            pairs.append(members)
        }
        return (needed, firstNew..<pairs.count)
    }

    /// Earlier groups that serve a cohort, and the pairs that are in none of them. A group serves if all of it is
    /// needed, for nothing is sent that a host has, and none of it is in a group that was taken before.
    private func earlierGroups(for wanted: [Need]) -> (groups: [Int], missing: Set<Need>) {
        var missing = Set(wanted)
        var groups: [Int] = []
        var refused: Set<Int> = []
        for pair in wanted where missing.contains(pair) {
            for group in groupsOfPair[pair] ?? [] where !refused.contains(group) {
                guard pairs[group].allSatisfy(missing.contains) else {
                    refused.insert(group)
                    continue
                }
                missing.subtract(pairs[group])
                groups.append(group)
                break
            }
        }
        return (groups, missing)
    }
}
