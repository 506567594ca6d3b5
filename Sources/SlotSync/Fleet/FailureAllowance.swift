// How many hosts of a flip may fail before those that flipped are taken back: `--max-failures N|N%`.
// The command line and the configuration read it, the fleet's flip asks it.

/// The part of a fleet that may fail without the flip being taken back.
public enum FailureAllowance: Hashable, Sendable, CustomStringConvertible {
    /// So many hosts.
    case hosts(Int)
    /// So many of a hundred hosts, 0 to 100; rounded down, so that 10% of 9 hosts is none.
    case percent(Int)

    /// All or nothing: the default.
    public static let none = FailureAllowance.hosts(0)

    /// Reads `3` or `10%`; nil for anything else.
    public init?(_ text: some StringProtocol) {
        let isPercent = text.last == "%"
        let digits = isPercent ? text.dropLast() : text[...]
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(digits) else { return nil }
        if isPercent {
            guard number <= 100 else { return nil }
            self = .percent(number)
        } else {
            self = .hosts(number)
        }
    }

    /// How many hosts of a fleet of `fleetSize` may fail.
    public func hosts(of fleetSize: Int) -> Int {
        switch self {
        case .hosts(let count): min(count, fleetSize)
        case .percent(let percent): fleetSize * percent / 100
        }
    }

    /// The form that `init(_:)` reads.
    public var description: String {
        switch self {
        case .hosts(let count): "\(count)"
        case .percent(let percent): "\(percent)%"
        }
    }
}
