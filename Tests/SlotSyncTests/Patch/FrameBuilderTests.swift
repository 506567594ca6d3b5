// Contents put into frames, and found in them again.

import Testing

@testable import SlotSync

@Suite("Building frames")
struct FrameBuilderTests {
    /// One content of a frame: what its items say and make.
    private struct Made: Equatable {
        var usesBasis: Bool
        var content: [UInt8] = []
    }

    /// Takes frames apart in the plainest way.
    private func take(_ messages: [[UInt8]], basis: [UInt8]) throws -> [Int: Made] {
        var made: [Int: Made] = [:]
        for message in messages {
            guard case .frame(let part) = try Request(type: message[4], payload: Array(message[5...])) else {
                throw SlotSyncError(.protocolViolation, "no frame")
            }
            #expect(part.length <= PatchFrameLimits.longestFrame)
            var bytes = part.bytes
            if part.isDeflated {
                bytes = []
                var inflater = Inflater()
                try part.bytes.withUnsafeBytes { try inflater.inflate($0, into: &bytes, exactly: part.length) }
            }
            var reader = InstructionReader(ByteReader(bytes, name: "frame"))
            while !reader.reader.isAtEnd {
                let item = try reader.reader.patchItem()
                var content = made[item.entry] ?? Made(usesBasis: item.usesBasis)
                #expect(content.content.count == Int(item.offset), "pieces come in order")
                #expect(content.usesBasis == item.usesBasis)
                reader.beginItem(contentLength: item.length, basisLength: UInt64(basis.count))
                while let step = try reader.next() {
                    switch step {
                    case .copy(let offset, let length): content.content += basis[Int(offset)..<Int(offset + length)]
                    case .literal(let bytes): content.content += bytes
                    case .add(let offset, let differences):
                        content.content += zip(basis[Int(offset)...], differences).map { $0 &+ $1 }
                    case .zeros(let length): content.content += [UInt8](repeating: 0, count: Int(length))
                    case .outside(let error): throw error
                    }
                }
                made[item.entry] = content
            }
        }
        return made
    }

    private func build(
        _ contents: [(entry: Int, content: [UInt8], basis: [UInt8]?)], level: Int
    ) throws -> [[UInt8]] {
        var builder = FrameBuilder(level: level)
        var messages: [[UInt8]] = []
        for (entry, content, basis) in contents {
            builder.begin(entry: entry, usesBasis: basis != nil)
            let encoder = try basis.map { DeltaEncoder(try Signature(of: $0)) } ?? DeltaEncoder()
            let instructions = encoder.instructions(for: content)
            try content.withUnsafeBytes { bytes in
                try builder.append(instructions, of: bytes) { frame in messages.append(Request.frameMessage(frame)) }
            }
            builder.end()
        }
        try builder.flush { frame in messages.append(Request.frameMessage(frame)) }
        return messages
    }

    @Test("contents of every length come out of their frames", arguments: [0, 6])
    func contents(level: Int) throws {
        var random = SeededGenerator(seed: 2)
        let basis = random.bytes(300_000)
        var contents: [(entry: Int, content: [UInt8], basis: [UInt8]?)] = []
        for (number, size) in [1, 100, 65_536, 65_537, 262_144, 700_000, 5, 2_000_000].enumerated() {
            contents.append((number * 3, random.bytes(size), nil))
        }
        contents.append((50, edited(basis, edits: 3, using: &random), basis))
        contents.append((51, [UInt8](repeating: 0, count: 3_000_000), nil))
        let messages = try build(contents, level: level)
        let made = try take(messages, basis: basis)
        #expect(made.count == contents.count)
        for (entry, content, itsBasis) in contents {
            #expect(made[entry] == Made(usesBasis: itsBasis != nil, content: content), "entry \(entry)")
        }
        // Whole frames, not one for each content or literal.
        #expect(messages.count <= 1 + contents.reduce(0) { $0 + $1.content.count } / (PatchFrameLimits.usualLength / 2))
    }

    @Test("small contents share a frame; no content makes none")
    func small() throws {
        #expect(try build((0..<100).map { ($0, Array("file \($0)".utf8), nil) }, level: 6).count == 1)
        #expect(try build([], level: 6).isEmpty)
        #expect(try build([(1, [], nil)], level: 0).isEmpty)
    }

    @Test("an item's head is read as it was written, and no entry beyond the bound")
    func head() throws {
        for item in [
            PatchItem(entry: 0, usesBasis: false, offset: 0, length: 0),
            PatchItem(entry: Manifest.mostEntries - 1, usesBasis: true, offset: .max, length: 1 << 40),
        ] {
            var writer = ByteWriter()
            writer.append(item)
            var reader = ByteReader(writer.bytes, name: "item")
            #expect(try reader.patchItem() == item)
        }
        var writer = ByteWriter()
        writer.append(PatchItem(entry: Manifest.mostEntries, usesBasis: false, offset: 0, length: 0))
        #expect(
            errorCode {
                var reader = ByteReader(writer.bytes, name: "item")
                _ = try reader.patchItem()
            } == .corrupt)
    }
}
