// The order in which hosts are chosen. However many are chosen, they are spread evenly over the list: racks, rooms and
// shards stand together in host lists, so the first five hosts are often alike. RolloutPlan calls it.

enum HostSpread {
    /// The positions 0 ..< `count`, each once, in steps of the golden ratio from the middle of the list on.
    ///
    /// Multiples of an irrational number leave gaps of at most three lengths, however many they are (the three-gap theorem),
    /// and the golden ratio leaves the most even ones; no period of the list, such as every fourth host a database,
    /// coincides with it. Where a position is taken the next free one follows. Integers alone: the same everywhere.
    static func order(of count: Int) -> [Int] {
        // Disjoint sets: from a position to the next that is free, `count` standing for none.
        var next = Array(0...count)
        func free(from position: Int) -> Int {
            var found = position
            while next[found] != found { found = next[found] }
            var passed = position
            while next[passed] != found { (passed, next[passed]) = (next[passed], found) }
            return found
        }
        var order: [Int] = []
        order.reserveCapacity(count)
        var fraction: UInt64 = 1 << 63
        for _ in 0..<count {
            var position = free(from: Int(fraction.multipliedFullWidth(by: UInt64(count)).high))
            if position == count { position = free(from: 0) }
            order.append(position)
            next[position] = position + 1
            fraction &+= 0x9e37_79b9_7f4a_7c15  // 2⁶⁴ times the golden ratio's fraction
        }
        return order
    }
}
