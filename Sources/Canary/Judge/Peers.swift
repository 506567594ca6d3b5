// Chooses the controls that a counter's canaries are compared with, and leaves out sick ones. A control with far more
// events than the others before the flip would make any rate look possible for any host. CounterTest calls it.

/// Controls without sick ones, and how much they differ.
struct Peers {
    private(set) var hosts: [Int]
    private(set) var dispersion: DispersionPosterior
    private let before: [Double]
    private let time: [Double]

    /// How improbable the events of the control with most of them must be among its peers', all of them counted.
    private static let chance = 1e-3
    /// No more than this share of them is sick; fewer controls than this cannot tell.
    private static let mostSick = 0.1
    static let fewest = 8
    /// Below this many times its peers' mean no control stands out enough for their law to be worth computing.
    private static let outstanding = 3.0

    /// `before` has every host's events before the flip, `time` the share of it that the host was observed.
    init(_ controls: [Int], before: [Double], time: [Double], dispersion: ([Int]) -> DispersionPosterior) {
        self.before = before
        self.time = time
        hosts = controls
        self.dispersion = dispersion(controls)
        guard controls.count >= Self.fewest else { return }
        let least = Double(controls.count) * (1 - Self.mostSick) - 1
        while Double(hosts.count) > least, let first = hosts.max(by: { rate($0) < rate($1) }) {
            var others = self
            others.hosts.removeAll { $0 == first }
            guard before[first] > Self.outstanding * others.mean * time[first] else { break }
            others.dispersion = dispersion(others.hosts)
            guard others.areFarBelow(first, chance: Self.chance / Double(controls.count)) else { break }
            hosts = others.hosts
            self.dispersion = others.dispersion
        }
    }

    private func rate(_ host: Int) -> Double { time[host] > 0 ? before[host] / time[host] : 0 }

    /// Events of a peer in the whole time before the flip.
    private var mean: Double {
        let whole = hosts.reduce(0) { $0 + time[$1] }
        return whole > 0 ? hosts.reduce(0) { $0 + before[$1] } / whole : 0
    }

    /// Whether a host had so many events before the flip that a peer would with less than this chance.
    func areFarBelow(_ host: Int, chance: Double) -> Bool {
        guard time[host] > 0, mean > 0 else { return false }
        return NegativeBinomial(shape: dispersion.typical, mean: mean * time[host]).survival(before[host] - 1) < chance
    }
}
