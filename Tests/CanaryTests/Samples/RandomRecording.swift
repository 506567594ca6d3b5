// Recordings of every shape the format allows, made up from a seed.

import Canary

extension Recording {
    /// The same recording for the same seed.
    static func random(seed: UInt64) -> Recording {
        var random = SplitMix(state: seed)
        let metrics = (0..<Int.random(in: 1...4, using: &random)).map { index in
            Metric(
                name: name(index, using: &random), kind: Bool.random(using: &random) ? .gauge : .counter,
                worse: Bool.random(using: &random) ? .higher : .lower,
                tolerance: Bool.random(using: &random) ? Double.random(in: 0...2, using: &random) : nil,
                weight: Bool.random(using: &random) ? Double.random(in: 0.001...50, using: &random) : 1,
                isCritical: Bool.random(using: &random))
        }
        let hosts = (0..<Int.random(in: 1...6, using: &random)).map { index in
            HostSamples(
                host: name(index, using: &random), role: index == 0 || Bool.random(using: &random) ? .canary : .control,
                baseline: metrics.map { series($0, using: &random) }, after: metrics.map { series($0, using: &random) })
        }
        var recording = Recording(
            name: name(0, using: &random),
            interval: Bool.random(using: &random) ? 5 : Double.random(in: 0.01...86_400, using: &random),
            metrics: metrics, hosts: hosts)
        if Bool.random(using: &random) { recording.gap = Double.random(in: 0...86_400, using: &random) }
        if Bool.random(using: &random) { recording.settle = Double.random(in: 0...100, using: &random) }
        if Bool.random(using: &random) { recording.window = Double.random(in: 0...86_400, using: &random) }
        if Bool.random(using: &random) { recording.significance = Double.random(in: 0.0001...0.5, using: &random) }
        return recording
    }

    /// A name that is unique by its number, with characters that JSON and terminals mind.
    private static func name(_ number: Int, using random: inout SplitMix) -> String {
        let scalars: [Unicode.Scalar] = ["a", "\"", "\\", "\n", "\u{0}", "\u{1b}", "é", "\u{202e}", "\u{1f600}", "/"]
        var name = "\(number)"
        for _ in 0..<Int.random(in: 0...8, using: &random) {
            name.unicodeScalars.append(scalars.randomElement(using: &random)!)
        }
        return name
    }

    private static func series(_ metric: Metric, using random: inout SplitMix) -> [Double] {
        (0..<Int.random(in: 0...8, using: &random)).map { _ in
            switch Int.random(in: 0..<5, using: &random) {
            case 0: return .nan
            case 1: return Double(Int.random(in: 0...1_000_000, using: &random))
            case 2: return 0
            case 3:
                // Any finite number at all, from its bits.
                let number = Double(bitPattern: random.next())
                guard number.isFinite else { return 1 }
                return metric.kind == .counter ? abs(number) : number
            default: return Double.random(in: 0...1, using: &random)
            }
        }
    }

    /// Equal, where missing samples are equal to missing samples.
    func isSame(as other: Recording) -> Bool {
        func bits(_ recording: Recording) -> [[[UInt64]]] {
            recording.hosts.map { host in
                (host.baseline + host.after).map { $0.map { $0.isNaN ? UInt64.max : $0.bitPattern } }
            }
        }
        func rest(_ recording: Recording) -> Recording {
            var rest = recording
            for index in rest.hosts.indices {
                rest.hosts[index].baseline = []
                rest.hosts[index].after = []
            }
            return rest
        }
        return rest(self) == rest(other) && bits(self) == bits(other)
    }
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): a seed that fails once fails
/// again.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
