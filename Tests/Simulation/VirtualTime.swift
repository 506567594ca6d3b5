// A clock that nobody waits for, and the dice that all chance comes from. What happens next is what is due next; of two
// things at one moment, what was planned first. So a seed makes the same course every time.

/// What is to happen, in the order of time.
final class VirtualTime {
    private struct Entry {
        var time: Double
        var order: Int
        var body: () -> Void

        func isBefore(_ other: Entry) -> Bool { (time, order) < (other.time, other.order) }
    }

    /// Seconds since the trial began.
    private(set) var now = 0.0
    /// How many things have happened.
    private(set) var steps = 0
    private var heap: [Entry] = []
    private var planned = 0

    func after(_ delay: Double, _ body: @escaping () -> Void) {
        planned += 1
        heap.append(Entry(time: now + max(delay, 0), order: planned, body: body))
        var child = heap.count - 1
        while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// Lets time go on until nothing more is planned.
    ///
    /// - Returns: false if that takes longer than `limit`, or more than `mostSteps`.
    func run(until limit: Double, mostSteps: Int = 200_000) -> Bool {
        while let first = heap.first {
            guard first.time <= limit, steps < mostSteps else { return false }
            remove()
            now = first.time
            steps += 1
            first.body()
        }
        return true
    }

    private func remove() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].isBefore(heap[least]) { least = child }
            if least == parent { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    /// Forgets what is planned: bodies hold on to those whom they are about.
    func clear() { heap = [] }
}

/// SplitMix64.
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0xd134_2543_de82_ef95 &+ 0x2545_f491_4f6c_dd1d }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func chance(_ probability: Double) -> Bool {
        probability > 0 && Double(next() >> 11) * 0x1p-53 < probability
    }
    mutating func number(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.upperBound - range.lowerBound + 1))
    }
    mutating func seconds(_ range: ClosedRange<Double>) -> Double {
        range.lowerBound + Double(next() >> 11) * 0x1p-53 * (range.upperBound - range.lowerBound)
    }
    mutating func pick<Element>(_ some: [Element]) -> Element { some[number(0...some.count - 1)] }
}
