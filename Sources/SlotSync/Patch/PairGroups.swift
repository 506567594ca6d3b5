// Which pairs of basis and content stand together in frames: those that the very same cohorts need. A
// pure value, so that every constellation of cohorts can be tried in a test.

/// A content and what it is made from; the same pair has the same bytes, whoever needs it.
struct Pair: Hashable, Sendable {
    /// The manifest's entry.
    var entry: UInt32
    var basis: ContentDigest?

    init(_ need: Need) {
        entry = need.entry
        basis = need.basis
    }
}

/// Groups pairs by the cohorts that need them.
struct PairGroups: Sendable {
    /// Pairs of each group, sorted by entry.
    private(set) var pairs: [[Pair]] = []
    private var groupOfPair: [Pair: Int] = [:]

    /// Adds cohorts that came together.
    ///
    /// - Parameter cohorts: the pairs that each needs.
    /// - Returns: for each cohort the groups that it needs, and which groups are new.
    mutating func add(_ cohorts: [[Pair]]) -> (groups: [[Int]], new: Range<Int>) {
        let firstNew = pairs.count
        var needed = [[Int]](repeating: [], count: cohorts.count)
        // Which cohorts need a pair that no usable group has.
        var users: [Pair: [Int]] = [:]
        for (cohort, wanted) in cohorts.enumerated() {
            let all = Set(wanted)
            // An earlier group serves if all of it is needed: nothing is sent that a host has.
            var usable: [Int: Bool] = [:]
            for pair in wanted {
                guard let group = groupOfPair[pair] else {
                    users[pair, default: []].append(cohort)
                    continue
                }
                let isUsable = usable[group] ?? pairs[group].allSatisfy(all.contains)
                if usable.updateValue(isUsable, forKey: group) == nil && isUsable { needed[cohort].append(group) }
                if !isUsable { users[pair, default: []].append(cohort) }
            }
        }
        var byUsers: [[Int]: [Pair]] = [:]
        for (pair, cohorts) in users { byUsers[cohorts, default: []].append(pair) }
        // In a fixed order, so that equal fleets get equal patches.
        for cohorts in byUsers.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            let members = (byUsers[cohorts] ?? []).sorted { $0.entry < $1.entry }
            for pair in members where groupOfPair[pair] == nil { groupOfPair[pair] = pairs.count }
            for cohort in cohorts { needed[cohort].append(pairs.count) }
            pairs.append(members)
        }
        return (needed, firstNew..<pairs.count)
    }
}
