// `make simulate`: many trials, on all processors; what was tried, and what broke. A seed that broke is run again with
// each step in words.

import Glibc
import Simulation

@main
struct Simulate {
    static func main() async throws {
        let variables = Variables()
        if variables.pushes == 1 { return try replay(variables.seed, variables.broken) }
        let begin = ContinuousClock.now
        var tally = Tally()
        let workers = max(1, min(variables.workers, variables.pushes))
        await withTaskGroup(of: Tally.self) { group in
            for worker in 0..<workers {
                group.addTask { Tally(variables, worker: worker, of: workers) }
            }
            for await part in group { tally.add(part) }
        }
        let seconds = (ContinuousClock.now - begin) / .seconds(1)
        print(tally.text)
        print("\(variables.pushes) pushes in \(Int(seconds)) s, \(Int(Double(variables.pushes) / seconds)) a second")
        guard let first = tally.broken.min(by: { $0.seed < $1.seed }) else { return }
        print("\n\(tally.broken.count) broke a rule:")
        for (seed, problems) in tally.broken.sorted(by: { $0.seed < $1.seed }).prefix(20) {
            print("  seed \(seed): \(problems.joined(separator: "; "))")
        }
        print("\nseed \(first.seed):")
        try replay(first.seed, variables.broken)
        exit(1)
    }

    static func replay(_ seed: UInt64, _ broken: BrokenRule?) throws {
        let result = try Simulation.run(seed: seed, breaking: broken) { seconds, text in
            let tenths = Int(seconds * 1000)
            print("\(tenths / 1000).\(String(tenths % 1000 + 1000).dropFirst())  \(text)")
        }
        print(
            "\(result.ending); \(result.problems.isEmpty ? "no rule broken" : result.problems.joined(separator: "; "))")
    }
}

/// What the environment asks for.
struct Variables: Sendable {
    var pushes = 100_000
    var seed: UInt64 = 1
    var workers = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    var broken: BrokenRule?

    init() {
        func value(_ name: String) -> String? {
            getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
        }
        if let text = value("PUSHES"), let number = Int(text), number > 0 { pushes = number }
        if let text = value("SEED"), let number = UInt64(text) { seed = number }
        if let text = value("WORKERS"), let number = Int(text), number > 0 { workers = number }
        guard let text = value("BREAK") else { return }
        broken = BrokenRule(rawValue: text)
        if broken == nil {
            print("BREAK: one of \(BrokenRule.allCases.map(\.rawValue).joined(separator: ", "))")
            exit(1)
        }
    }
}

/// What was tried, and what broke.
struct Tally: Sendable {
    var endings: [String: Int] = [:]
    var faults: [String: Int] = [:]
    var broken: [(seed: UInt64, problems: [String])] = []

    init() {}

    init(_ variables: Variables, worker: Int, of workers: Int) {
        for number in stride(from: worker, to: variables.pushes, by: workers) {
            let seed = variables.seed &+ UInt64(number)
            do {
                let result = try Simulation.run(seed: seed, breaking: variables.broken)
                endings[result.ending, default: 0] += 1
                for (fault, count) in result.faults { faults[fault, default: 0] += count }
                if !result.problems.isEmpty { broken.append((seed, result.problems)) }
            } catch { broken.append((seed, ["\(error)"])) }
        }
    }

    mutating func add(_ other: Tally) {
        endings.merge(other.endings, uniquingKeysWith: +)
        faults.merge(other.faults, uniquingKeysWith: +)
        broken += other.broken
    }

    var text: String {
        func table(_ counts: [String: Int]) -> String {
            counts.sorted { $0.key < $1.key }.map { "  \($0.value)\t\($0.key)" }.joined(separator: "\n")
        }
        return "endings:\n\(table(endings))\nfaults:\n\(table(faults))"
    }
}
