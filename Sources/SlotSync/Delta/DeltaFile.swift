// Frames a delta file: blocks of deflated instructions, each with its own check, and a trailer that says what the
// result must be. docs/delta-format.md specifies it; DeltaFiles writes and applies it.

/// The parts of a delta file, but for the instructions in its blocks.
enum DeltaFile {
    /// The first bytes; the last of them is the format's version.
    static let magic: [UInt8] = Array("SSYNDLT".utf8) + [1]

    /// A block is cut when its instructions reach this length…
    static let blockTarget = 256 * 1024
    /// …of which literals are cut to this, so that one segment makes blocks for all processors, of a size at which memory is
    /// used again.
    static let longestLiteral = 512 * 1024
    /// Readers take no longer one: writers once put a segment of 8 MiB into one block.
    static let maximumBlockLength = 16 << 20

    /// One item of instructions, ready to be deflated.
    struct Block: Sendable {
        var instructions: [UInt8]
        /// How much content they make.
        var contentLength: UInt64
    }

    static func header(basisLength: UInt64) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(magic)
        writer.append(varint: basisLength)
        return checked(writer)
    }

    /// A block's head, and its instructions deflated.
    static func encoded(_ block: Block) -> (head: [UInt8], deflated: [UInt8]) {
        precondition(block.instructions.count <= maximumBlockLength)
        var deflater = Deflater(level: 6)
        var deflated: [UInt8] = []
        block.instructions.withUnsafeBytes { deflater.deflate($0, into: &deflated) }
        var writer = ByteWriter(reserving: 32)
        writer.append(varint: block.instructions.count)
        writer.append(varint: block.contentLength)
        writer.append(varint: deflated.count)
        writer.append(fixed: shortChecksum(deflated))
        return (writer.bytes, deflated)
    }

    static func trailer(contentLength: UInt64, digest: ContentDigest) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(varint: 0)
        writer.append(varint: contentLength)
        writer.append(digest)
        return checked(writer)
    }

    /// The bytes and their checksum.
    private static func checked(_ writer: ByteWriter) -> [UInt8] {
        var writer = writer
        writer.append(fixed: shortChecksum(writer.bytes))
        return writer.bytes
    }

    static func shortChecksum(_ bytes: [UInt8]) -> UInt32 {
        UInt32(truncatingIfNeeded: bytes.withUnsafeBytes { fileChecksum($0) })
    }
}

/// Gathers instructions into blocks.
struct DeltaBlockWriter {
    private var writer = InstructionWriter()
    private(set) var blocks: [DeltaFile.Block] = []

    /// Appends a segment's instructions. A copy goes on from one segment to the next in the same instruction.
    mutating func append(_ instructions: [DeltaInstruction], of segment: UnsafeRawBufferPointer) {
        for instruction in instructions {
            for part in instruction.parts(literalsUpTo: DeltaFile.longestLiteral) {
                writer.append(part, of: segment)
                if writer.bytes.count >= DeltaFile.blockTarget { endBlock() }
            }
        }
    }

    mutating func endBlock() {
        let contentLength = writer.contentLength
        guard contentLength > 0 else { return }
        writer.endItem()
        blocks.append(DeltaFile.Block(instructions: writer.takeBytes(), contentLength: contentLength))
    }

    mutating func takeBlocks() -> [DeltaFile.Block] {
        defer { blocks = [] }
        return blocks
    }
}

/// Reads a delta file from its start to its end.
struct DeltaFileReader: ~Copyable {
    private var input: SequentialInput
    private var inflater = Inflater()
    /// How long the file was that the signature was made of.
    let basisLength: UInt64
    private var contentLength: UInt64 = 0

    enum Part {
        case block(DeltaFile.Block)
        case trailer(contentLength: UInt64, digest: ContentDigest)
    }

    private init(input: consuming SequentialInput, basisLength: UInt64) {
        self.input = input
        self.basisLength = basisLength
    }

    /// Reads the header of the delta file that `input` holds.
    static func open(_ input: consuming SequentialInput) throws(SlotSyncError) -> DeltaFileReader {
        let name = input.name
        var magic: [UInt8] = []
        while magic.count < DeltaFile.magic.count, let byte = try input.byte() { magic.append(byte) }
        try checkMagic(of: magic, against: DeltaFile.magic, name: name, kind: "delta")
        var seen = ByteWriter()
        seen.append(magic)
        let basisLength = try varint(from: &input, seen: &seen)
        try expectChecksum(of: seen.bytes, from: &input)
        guard basisLength <= Int64.max else { throw damaged(name, "a basis of \(basisLength) bytes") }
        return DeltaFileReader(input: input, basisLength: basisLength)
    }

    /// The next block, or the trailer, after which the file must end.
    mutating func next() throws(SlotSyncError) -> Part {
        var seen = ByteWriter()
        let length = try Self.varint(from: &input, seen: &seen)
        let content = try Self.varint(from: &input, seen: &seen)
        guard length > 0 else { return try trailer(contentLength: content, seen: seen) }
        let deflatedLength = try Self.varint(from: &input, seen: &seen)
        let (total, overflow) = contentLength.addingReportingOverflow(content)
        // Deflate never adds more than a few bytes a block of 16 kB to what it cannot compress.
        guard length <= DeltaFile.maximumBlockLength, deflatedLength <= length + length / 1024 + 64, !overflow,
            total <= Int64.max
        else { throw Self.damaged(input.name, "a block of \(length) bytes") }
        let checksum = Self.fixed(try input.bytes(4))
        let deflated = try input.bytes(Int(deflatedLength))
        guard DeltaFile.shortChecksum(deflated) == checksum else {
            throw Self.damaged(input.name, "a block's checksum is wrong; make the delta again")
        }
        contentLength = total
        var instructions: [UInt8] = []
        try deflated.withUnsafeBufferPointer { (bytes) throws(SlotSyncError) in
            try inflater.inflate(UnsafeRawBufferPointer(bytes), into: &instructions, exactly: Int(length))
        }
        return .block(DeltaFile.Block(instructions: instructions, contentLength: content))
    }

    private mutating func trailer(contentLength: UInt64, seen: ByteWriter) throws(SlotSyncError) -> Part {
        var seen = seen
        let digestBytes = try input.bytes(16)
        seen.append(digestBytes)
        try Self.expectChecksum(of: seen.bytes, from: &input)
        guard contentLength == self.contentLength, try input.byte() == nil else {
            throw Self.damaged(input.name, "its blocks and its end do not fit together")
        }
        var reader = ByteReader(digestBytes, name: input.name)
        return .trailer(contentLength: contentLength, digest: try reader.digest())
    }

    private static func damaged(_ name: String, _ what: String) -> SlotSyncError {
        SlotSyncError(.corrupt, "\(name) is damaged: \(what)")
    }

    private static func fixed(_ bytes: [UInt8]) -> UInt32 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func expectChecksum(of seen: [UInt8], from input: inout SequentialInput) throws(SlotSyncError) {
        guard fixed(try input.bytes(4)) == DeltaFile.shortChecksum(seen) else {
            throw damaged(input.name, "a checksum is wrong; make the delta again")
        }
    }

    private static func varint(
        from input: inout SequentialInput, seen: inout ByteWriter
    ) throws(SlotSyncError) -> UInt64 {
        var bytes: [UInt8] = []
        repeat {
            guard bytes.count < 10, let byte = try input.byte() else { throw damaged(input.name, "it ends too early") }
            bytes.append(byte)
        } while bytes[bytes.count - 1] >= 0x80
        seen.append(bytes)
        var reader = ByteReader(bytes, name: input.name)
        return try reader.varint()
    }
}
