// Folds host names for summaries: web003, web017, web018, web019 become web[003,017-019]. Names fold together where
// they differ in one number alone. HostList.parse reads what comes out.

extension HostList {
    /// Names in which exactly one number may differ: everything before it, everything after it, and
    /// how it is written.
    private struct Family: Hashable {
        var prefix: Substring
        var suffix: Substring
        /// The digits of a number that is padded with zeros to that width; 0 for numbers as they come.
        var width: Int
    }

    /// A short form of `names`, commas between the groups. Groups stand in the order of their first
    /// names; within a group numbers ascend.
    public static func fold(_ names: [String]) -> String {
        var families: [[(family: Family, number: Int)]] = []
        var members: [Family: [Int]] = [:]
        for (index, name) in names.enumerated() {
            families.append(HostList.families(of: name))
            for (family, _) in families[index] { members[family, default: []].append(index) }
        }

        var groups: [String] = []
        var isFolded = [Bool](repeating: false, count: names.count)
        for (index, name) in names.enumerated() where !isFolded[index] {
            var best: (family: Family, members: [Int])?
            for (family, _) in families[index] {
                let left = (members[family] ?? []).filter { !isFolded[$0] }
                members[family] = left
                if left.count > best?.members.count ?? 1 { best = (family, left) }
            }
            guard let best else {
                isFolded[index] = true
                groups.append(spelled(name))
                continue
            }
            let numbers = best.members.compactMap { member in
                isFolded[member] = true
                return families[member].first { $0.family == best.family }?.number
            }
            groups.append("\(best.family.prefix)[\(ranges(numbers, width: best.family.width))]\(best.family.suffix)")
        }
        return groups.joined(separator: ",")
    }

    /// Every family that a name could belong to: one for each of its numbers, two for a number
    /// without leading zeros (100 belongs with 099, and with 99).
    private static func families(of name: String) -> [(family: Family, number: Int)] {
        // Addresses in brackets and bare IPv6 addresses are no names with numbers in them.
        guard !name.contains("["), !name.contains("]"), !Host.isIPv6(name[...]) else { return [] }
        var families: [(family: Family, number: Int)] = []
        var rest = name[...]
        while let start = rest.firstIndex(where: isDigit) {
            let digits = rest[start...].prefix(while: isDigit)
            if digits.count <= HostPattern.mostDigits, let number = Int(digits) {
                let prefix = name[..<start]
                let suffix = name[digits.endIndex...]
                families.append((Family(prefix: prefix, suffix: suffix, width: digits.count), number))
                if digits.count == 1 || digits.first != "0" {
                    families.append((Family(prefix: prefix, suffix: suffix, width: 0), number))
                }
            }
            rest = name[digits.endIndex...]
        }
        return families
    }

    private static func isDigit(_ character: Character) -> Bool { character.isASCII && character.isNumber }

    private static func ranges(_ numbers: [Int], width: Int) -> String {
        func text(_ number: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        var parts: [ClosedRange<Int>] = []
        for number in numbers.sorted() {
            if let last = parts.last, number <= last.upperBound + 1 {
                parts[parts.count - 1] = last.lowerBound...max(last.upperBound, number)
            } else {
                parts.append(number...number)
            }
        }
        return parts.map { $0.count == 1 ? text($0.lowerBound) : "\(text($0.lowerBound))-\(text($0.upperBound))" }
            .joined(separator: ",")
    }

    /// A bare IPv6 address gets the brackets that keep it apart from a port.
    private static func spelled(_ name: String) -> String { Host.isIPv6(name[...]) ? "[\(name)]" : name }
}
