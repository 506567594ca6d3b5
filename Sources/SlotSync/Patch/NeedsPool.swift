// Holds each list of needs once, however many hosts have it: hundreds of hosts that need the same hundred thousand
// files must not cost hundreds of lists. PatchLibrary owns one.

/// Numbers equal lists alike.
struct NeedsPool {
    private struct Key: Hashable {
        var needs: [Need]

        /// Some tell lists apart well enough; hosts that need nearly the same are few.
        func hash(into hasher: inout Hasher) {
            hasher.combine(needs.count)
            for index in stride(from: 0, to: needs.count, by: max(needs.count / 64, 1)) { hasher.combine(needs[index]) }
        }
    }

    private var numbers: [Key: Int] = [:]
    private(set) var lists: [[Need]] = []

    /// The number of this list: its index in `lists`.
    mutating func number(of needs: [Need]) -> Int {
        if let known = numbers[Key(needs: needs)] { return known }
        numbers[Key(needs: needs)] = lists.count
        lists.append(needs)
        return lists.count - 1
    }

    /// The list that equals this one, and that everybody holds.
    mutating func shared(_ needs: [Need]) -> [Need] { lists[number(of: needs)] }
}
