// Signatures and deltas: of files that somebody was given, and of a session's other end. Checksums of the file forms are put
// in here, so that the search gets beyond them.

import Glibc
import SystemPackage

@testable import SlotSync

/// What instructions copy from.
let basisBytes: [UInt8] = {
    var random = SeededGenerator(seed: 7)
    return (0..<1000).map { _ in UInt8(truncatingIfNeeded: random.next() >> 60) }
}()

let deltaTargets = [
    FuzzTarget(name: "signature", words: ["SSYNSIG\u{1}"]) {
        try [64, 100, 500].map { try signatureSeed(blockLength: $0) }
    } run: { bytes in
        var input = FuzzInput(bytes)
        let (isFile, content) = (input.byte() & 1 != 0, input.piece())
        let signature = accepted { () throws(SlotSyncError) in
            if isFile {
                var writer = ByteWriter()
                writer.append(input.all())
                writer.append(fixed: writer.bytes.withUnsafeBytes { fileChecksum($0) })
                return try Signature(file: writer.bytes, name: "signature")
            }
            var reader = ByteReader(input.all(), name: "signature")
            let signature = try Signature(from: &reader)
            try reader.expectEnd()
            return signature
        }
        guard let signature else { return false }
        check(signature)
        encode(content + basisBytes.prefix(300), DeltaEncoder(signature), basisLength: signature.basisLength)
        return true
    },
    FuzzTarget(name: "instructions") {
        [[0, 0, 100], [1, 0, 100]].map { head in head + instructionSeed }
    } run: { bytes in
        var input = FuzzInput(bytes)
        let (hasOutput, length) = (input.byte() & 1 != 0, UInt64(input.byte()) << 8 | UInt64(input.byte()))
        return makes(input.all(), length, hasOutput: hasOutput)
    },
    FuzzTarget(name: "delta", longest: 6000, words: ["SSYNDLT\u{1}"]) {
        [[1] + piece([100]) + piece([0, 100] + instructionSeed), [0] + Array(deltaFile([instructionSeed], of: 100))]
    } run: { bytes in
        var input = FuzzInput(bytes)
        guard input.byte() & 1 != 0 else { return patch(input.all()) }
        // Blocks of instructions, with heads and checksums that are right.
        var head = FuzzInput(input.piece())
        let lie = UInt64(head.byte())
        var (blocks, total): ([DeltaFile.Block], UInt64) = ([], 0)
        while !input.rest.isEmpty, blocks.count < 8 {
            var block = FuzzInput(input.piece())
            let length = UInt64(block.byte()) << 8 | UInt64(block.byte())
            blocks.append(DeltaFile.Block(instructions: block.all(), contentLength: length))
            total += length
        }
        var file = DeltaFile.header(basisLength: UInt64(basisBytes.count))
        for block in blocks where !block.instructions.isEmpty { file += fileBlock(block) }
        file += DeltaFile.trailer(contentLength: lie == 0 ? total : lie, digest: .empty)
        return patch(file)
    },
    FuzzTarget(name: "inflate", longest: 6000) {
        var deflated: [UInt8] = []
        var deflater = Deflater(level: 6)
        basisBytes.withUnsafeBytes { deflater.deflate($0, into: &deflated) }
        return [[0x03, 0xe8] + deflated]
    } run: { bytes in
        var input = FuzzInput(bytes)
        let length = Int(input.byte()) << 8 | Int(input.byte())
        let part = DeflatedPart(length: length, isDeflated: true, bytes: input.all())
        var inflater = Inflater()
        guard let inflated = accepted({ () throws(SlotSyncError) in try part.inflated(by: &inflater) }) else {
            return false
        }
        demand(inflated.count == length, "\(inflated.count) bytes of \(length)")
        var deflater: Deflater? = Deflater(level: 1)
        let again = accepted { () throws(SlotSyncError) in
            try DeflatedPart(deflating: inflated, by: &deflater).inflated(by: &inflater)
        }
        demand(again == inflated, "what was deflated is another when inflated")
        return true
    },
]

private func signatureSeed(blockLength: Int) throws -> [UInt8] {
    var builder = Signature.Builder(basisLength: UInt64(basisBytes.count), blockLength: blockLength, seed: 9)
    basisBytes.withUnsafeBytes { builder.update($0) }
    let signature = try builder.finish()
    var writer = ByteWriter()
    signature.encode(into: &writer)
    let isFile = blockLength == 100
    return [isFile ? 1 : 0] + piece(Array(basisBytes[20..<200]))
        + (isFile ? Array(signature.encodedFile().dropLast(8)) : writer.bytes)
}

/// Makes 100 bytes, with each kind of instruction.
private let instructionSeed: [UInt8] = {
    var writer = InstructionWriter()
    basisBytes.withUnsafeBytes { segment in
        writer.append(.copy(from: 10, length: 50), of: segment)
        writer.append(.literal(at: 0, length: 20), of: segment)
        writer.append(.add(to: 100, length: 8, differences: 0x0102_0304), of: segment)
        writer.append(.zeros(22), of: segment)
    }
    writer.endItem()
    return writer.takeBytes()
}()

private func fileBlock(_ block: DeltaFile.Block) -> [UInt8] {
    let encoded = DeltaFile.encoded(block)
    return encoded.head + encoded.deflated
}

private func deltaFile(_ blocks: [[UInt8]], of contentLength: UInt64) -> [UInt8] {
    var file = DeltaFile.header(basisLength: UInt64(basisBytes.count))
    for block in blocks {
        file += fileBlock(DeltaFile.Block(instructions: block, contentLength: contentLength))
    }
    return file + DeltaFile.trailer(contentLength: contentLength * UInt64(blocks.count), digest: .empty)
}

/// What is written of a signature reads as the same.
private func check(_ signature: Signature) {
    var writer = ByteWriter()
    signature.encode(into: &writer)
    let again = accepted { () throws(SlotSyncError) in
        var reader = ByteReader(writer.bytes, name: "signature")
        return try Signature(from: &reader)
    }
    demand(again == signature, "a signature reads as another one")
}

/// Encodes content; the instructions make as many bytes, and take none from beyond the basis.
private func encode(_ content: [UInt8], _ encoder: DeltaEncoder, basisLength: UInt64) {
    var instructions: [DeltaInstruction] = []
    content.withUnsafeBytes { encoder.encode($0, isLast: true, into: &instructions) }
    var writer = InstructionWriter()
    content.withUnsafeBytes { writer.append(instructions, of: $0) }
    demand(
        writer.contentLength == UInt64(content.count),
        "instructions for \(writer.contentLength) of \(content.count) bytes")
    writer.endItem()
    var reader = InstructionReader(ByteReader(writer.takeBytes(), name: "instructions"))
    let isRead: Void? = accepted { () throws(SlotSyncError) in
        try reader.skipItem(contentLength: UInt64(content.count), basisLength: basisLength)
        try reader.reader.expectEnd()
    }
    demand(isRead != nil, "instructions are refused that were written")
}

/// A file in memory.
func memoryFile(_ bytes: [UInt8] = []) -> FileDescriptor {
    guard let file = try? makeUnnamedFile() else { fatalError("no temporary file can be made") }
    do { try bytes.withUnsafeBytes { try file.writeFully($0, at: 0) } } catch { fatalError("\(error)") }
    return file
}

private let basisDescriptor = memoryFile(basisBytes)
private let outputDescriptor = memoryFile()

/// Carries instructions out.
private func makes(_ instructions: [UInt8], _ length: UInt64, hasOutput: Bool) -> Bool {
    guard let file = try? basisDescriptor.duplicate() else { return false }
    let (basis, maker) = (BasisFile(file, length: UInt64(basisBytes.count)), ContentMaker())
    var reader = InstructionReader(ByteReader(instructions, name: "instructions"))
    do {
        if hasOutput {
            _ = try? outputDescriptor.setLength(0)
            _ = try? outputDescriptor.seek(offset: 0, from: .start)
            let output = ContentOutput(outputDescriptor, shortestHole: 4096)
            try maker.append(length, from: basis, &reader, to: output)
            guard let digest = try? output.finish(), let end = try? outputDescriptor.seek(offset: 0, from: .end) else {
                fatalError("content cannot be written")
            }
            demand(UInt64(end) == length, "\(end) bytes in place of \(length)")
            demand(
                digest == (try? outputDescriptor.contentDigest(AgentProgress())), "the digest is that of other content")
        } else {
            demand(UInt64(try maker.whole(length, from: basis, &reader).count) == length, "content of another length")
        }
        return true
    } catch {
        switch error {
        case .instructions, .outside: return false
        default: fatalError("whole files cannot be read: \(error)")
        }
    }
}

/// Applies a delta file.
private func patch(_ file: [UInt8]) -> Bool {
    let delta = memoryFile(file)
    defer { try? delta.close() }
    _ = try? outputDescriptor.setLength(0)
    for file in [delta, outputDescriptor, basisDescriptor] { _ = try? file.seek(offset: 0, from: .start) }
    do {
        try DeltaFiles.patch(
            basis: NamedDescriptor(basisDescriptor, name: "basis"), delta: NamedDescriptor(delta, name: "delta"),
            to: NamedDescriptor(outputDescriptor, name: "output"), makesHoles: true)
        return true
    } catch {
        // Read to its end: what the content's digest is nobody can guess.
        return error.code == .verification
    }
}
