// Makes the bytes of test files. The same seed gives the same bytes at every run. Random bytes do not compress and
// match nothing, so their number can be compared with what a command says it has sent.

enum Content {
    static func random(_ count: Int, seed: UInt64) -> [UInt8] {
        var generator = SplitMix(state: seed)
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            for index in 0..<count {
                if index % 8 == 0 { generator.advance() }
                buffer[index] = UInt8(truncatingIfNeeded: generator.output >> UInt64(index % 8 * 8))
            }
            filled = count
        }
    }

    /// Text that looks like a bundle a build tool made: long, of one line, every function different.
    static func script(functions: Int, seed: UInt64) -> String {
        var generator = SplitMix(state: seed)
        return (0..<functions).map { index in
            generator.advance()
            return "function f\(index)(a){return a.k\(String(generator.output, radix: 36))+\(index)};"
        }.joined()
    }
}

private struct SplitMix {
    var state: UInt64
    var output: UInt64 = 0

    mutating func advance() {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        output = mixed ^ (mixed >> 31)
    }

    init(state: UInt64) { self.state = state }
}
