// A part of the fleet as people write it: `3` or `5%`. How many hosts of a flip may fail is one (`--max-failures`), and so is
// how many of a push are canaries.

/// A number of hosts, or a share of all.
public enum HostPortion: Sendable, Hashable, CustomStringConvertible {
    /// So many hosts.
    case count(Int)
    /// So many of a hundred hosts, 0 to 100.
    case percent(Double)

    /// Nobody.
    public static let none = HostPortion.count(0)

    /// Reads `3`, `5%` or `0.5%`; nil for anything else, for more than 100 % and for more hosts than a fleet may have.
    public init?(_ text: some StringProtocol) {
        let isPercent = text.last == "%"
        guard let number = DecimalNumber(reading: text.dropLast(isPercent ? 1 : 0)) else { return nil }
        if isPercent {
            guard number.value <= 100 else { return nil }
            self = .percent(number.value)
        } else {
            guard let count = Int(text), count <= HostList.mostHosts else { return nil }
            self = .count(count)
        }
    }

    /// How many hosts of a fleet of `fleetSize` these are; a count may be more than there are.
    ///
    /// - Parameter rule: where a share comes to no whole number. `.up`: a share of a small fleet is not nobody. `.down`: what
    ///   may fail is never more than the share, so that 10 % of 9 hosts is none.
    public func hosts(of fleetSize: Int, rounded rule: FloatingPointRoundingRule = .up) -> Int {
        switch self {
        case .count(let count): return count
        case .percent(let percent):
            // The products of decimal fractions come out a little beside the whole number now and then: 1.1 % of 1,000
            // is 11.
            let share = Double(fleetSize) * percent / 100
            let whole = share.rounded()
            return Int(abs(share - whole) < 1e-9 ? whole : share.rounded(rule))
        }
    }

    /// The form that `init(_:)` reads.
    public var description: String {
        switch self {
        case .count(let count): "\(count)"
        case .percent(let percent): DecimalNumber(percent).map { "\($0)%" } ?? "\(percent)%"
        }
    }
}
