// A part of the fleet as people write it: `3` or `5%`. The settings hold them, the plan turns them into hosts.

/// A number of hosts, or a share of all.
public enum HostPortion: Sendable, Hashable, CustomStringConvertible {
    case count(Int)
    /// So many of a hundred hosts; rounded up, so that a share of a small fleet is not nobody.
    case percent(Double)

    /// Reads `3`, `5%` or `0.5%`; nil for anything else, for more than 100 % and for more hosts than a fleet may have.
    public init?(_ text: some StringProtocol) {
        let isPercent = text.last == "%"
        let digits = isPercent ? text.dropLast() : text[...]
        guard !digits.isEmpty, digits.utf8.count <= 10, digits.utf8.first != UInt8(ascii: "."),
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || ($0 == UInt8(ascii: ".") && isPercent) })
        else { return nil }
        if isPercent {
            guard let percent = Double(digits), percent <= 100 else { return nil }
            self = .percent(percent)
        } else {
            guard let count = Int(digits), count <= CanarySettings.mostHosts else { return nil }
            self = .count(count)
        }
    }

    /// How many hosts of a fleet of `fleetSize` these are; a count may be more than there are.
    public func hosts(of fleetSize: Int) -> Int {
        switch self {
        case .count(let count): return count
        case .percent(let percent):
            // The products of decimal fractions come out a little too large now and then: 1.1 % of 1,000 is 11.
            return Int((Double(fleetSize) * percent / 100 - 1e-9).rounded(.up))
        }
    }

    /// The form that `init(_:)` reads.
    public var description: String {
        switch self {
        case .count(let count): "\(count)"
        case .percent(let percent): percent == percent.rounded() ? "\(Int(percent))%" : "\(percent)%"
        }
    }
}
