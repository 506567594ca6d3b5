// What the delta tests share: content that is repeatable, edits at random, and instructions applied in the
// plainest way, as the measure of what the encoder made.

@testable import SlotSync

extension SeededGenerator {
    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next() >> 24) } }

    mutating func below(_ bound: Int) -> Int { bound <= 0 ? 0 : Int(next() % UInt64(bound)) }
}

extension Signature {
    init(of basis: [UInt8], blockLength: Int? = nil, seed: UInt64 = 1, pieces: [Int] = []) throws(SlotSyncError) {
        var builder = Builder(basisLength: UInt64(basis.count), blockLength: blockLength, seed: seed)
        var rest = basis[...]
        for piece in pieces {
            rest.prefix(piece).withUnsafeBytes { builder.update($0) }
            rest = rest.dropFirst(piece)
        }
        rest.withUnsafeBytes { builder.update($0) }
        self = try builder.finish()
    }
}

extension DeltaEncoder {
    func instructions(for content: [UInt8]) -> [DeltaInstruction] {
        var instructions: [DeltaInstruction] = []
        content.withUnsafeBytes { encode($0, isLast: true, into: &instructions) }
        return instructions
    }
}

/// What the instructions make.
func apply(_ instructions: [DeltaInstruction], segment: [UInt8], basis: [UInt8]) -> [UInt8] {
    instructions.reduce(into: []) { content, instruction in
        let range = Int(instruction.position)..<Int(instruction.position + instruction.length)
        switch instruction.kind {
        case .copy: content += basis[range]
        case .literal: content += segment[range]
        case .zeros: content += [UInt8](repeating: 0, count: range.count)
        case .add:
            for (index, byte) in basis[range].enumerated() {
                content.append(byte &+ UInt8(truncatingIfNeeded: instruction.differences >> UInt64(8 * index)))
            }
        }
    }
}

/// Content after a few random edits.
func edited(_ basis: [UInt8], edits: Int, using generator: inout SeededGenerator) -> [UInt8] {
    var content = basis
    for _ in 0..<edits {
        let start = generator.below(content.count + 1)
        let length = min(generator.below(600), content.count - start)
        let range = start..<start + length
        switch generator.below(6) {
        case 0: content.insert(contentsOf: generator.bytes(generator.below(600)), at: start)
        case 1: content.removeSubrange(range)
        case 2: content.replaceSubrange(range, with: generator.bytes(length))
        case 3:
            let moved = Array(content[range])
            content.removeSubrange(range)
            content.insert(contentsOf: moved, at: generator.below(content.count + 1))
        case 4: content.insert(contentsOf: content[range], at: start)
        default: content.insert(contentsOf: [UInt8](repeating: 0, count: generator.below(9000)), at: start)
        }
    }
    return content
}

extension [DeltaInstruction] {
    func total(_ kind: DeltaInstruction.Kind) -> Int { filter { $0.kind == kind }.reduce(0) { $0 + Int($1.length) } }
}
