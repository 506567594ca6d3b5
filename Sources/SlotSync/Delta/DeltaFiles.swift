// Offers the delta engine on single files, as the commands `signature`, `delta` and `patch` need it. It works on open
// descriptors; the commands know what paths mean and where results are put.

public import SystemPackage

/// An open file or stream, and what to call it in errors.
public struct NamedDescriptor: Sendable {
    /// Stays the caller's to close.
    public let descriptor: FileDescriptor
    /// A path, or a word such as "standard input".
    public let name: String

    /// An open file or stream by that name.
    public init(_ descriptor: FileDescriptor, name: String) {
        self.descriptor = descriptor
        self.name = name
    }
}

/// Signature, delta and patch of single files.
public enum DeltaFiles {
    /// The block lengths that `writeSignature` accepts.
    public static var blockLengths: ClosedRange<Int> { Signature.blockLengths }

    /// A signature is held in memory whole: longer files are refused.
    static let maximumSignatureFileLength: UInt64 = 1 << 30
    /// Shorter runs of zeros are written: a hole costs the file system an extent.
    private static let shortestHole: UInt64 = 64 * 1024

    /// Writes the signature of `basis`, which is `length` bytes long.
    /// - Throws: `sourceChanged` if the basis turns out longer or shorter; `system` for what cannot be read or written.
    public static func writeSignature(
        of basis: NamedDescriptor, length: UInt64, blockLength: Int? = nil, to output: NamedDescriptor
    ) throws(SlotSyncError) {
        var input = SequentialInput(basis.descriptor, name: basis.name)
        do throws(SlotSyncError) {
            let signature = try Signature(
                basisLength: length, blockLength: blockLength, seed: UInt64.random(in: .min ... .max)
            ) { piece throws(SlotSyncError) in try input.read(into: piece) }
            try write(signature.encodedFile(), to: output)
        } catch  where error.code == .sourceChanged {
            throw SlotSyncError(.sourceChanged, "\(basis.name): \(error.message); try again")
        }
    }

    /// Writes what makes `content` from the basis that `signature` describes.
    /// - Parameter parallelism: how many cores to use; each takes about 16 MiB of memory.
    public static func writeDelta(
        signature: NamedDescriptor, content: NamedDescriptor, parallelism: Int, to output: NamedDescriptor
    ) throws(SlotSyncError) {
        let signature = try readSignature(signature)
        try write(DeltaFile.header(basisLength: signature.basisLength), to: output)
        let encoder = SegmentedEncoder(DeltaEncoder(signature), parallelism: parallelism)
        var input = SequentialInput(content.descriptor, name: content.name)
        var blocks = DeltaBlockWriter()
        func writeBlocks(atLeast count: Int) throws(SlotSyncError) {
            guard blocks.blocks.count >= count else { return }
            for (head, deflated) in forEachConcurrently(blocks.takeBlocks(), DeltaFile.encoded) {
                try write(head, to: output)
                try write(deflated, to: output)
            }
        }
        let result = try encoder.encode(&input) { (instructions, segment) throws(SlotSyncError) in
            blocks.append(instructions, of: segment)
            try writeBlocks(atLeast: parallelism)
        }
        blocks.endBlock()
        try writeBlocks(atLeast: 1)
        try write(DeltaFile.trailer(contentLength: result.length, digest: result.digest), to: output)
    }

    /// How much content a delta may make where nobody says how much. A few bytes can say that zeros come for years.
    public static let usualLongestContent: UInt64 = 1 << 40

    /// Makes the content from `basis` and `delta`, and verifies it.
    /// - Parameters:
    ///   - makesHoles: `output` is an empty regular file, in which long runs of zeros may be holes.
    ///   - longest: how many bytes the content may have.
    /// - Throws: `verification` if `basis` is not the file that the signature was made of; `corrupt` if the delta is
    ///   damaged. What was written until then is worthless.
    public static func patch(
        basis: NamedDescriptor, delta: NamedDescriptor, to output: NamedDescriptor, makesHoles: Bool = false,
        atMost longest: UInt64 = usualLongestContent
    ) throws(SlotSyncError) {
        var made: UInt64 = 0
        var reader = try DeltaFileReader.open(SequentialInput(delta.descriptor, name: delta.name))
        let source = try open(basis, length: reader.basisLength)
        let target = ContentOutput(output.descriptor, shortestHole: makesHoles ? shortestHole : nil)
        let maker = ContentMaker()
        while true {
            switch try reader.next() {
            case .block(let block):
                made = made.addingSaturated(block.contentLength)
                guard made <= longest else {
                    throw SlotSyncError(
                        .badInput,
                        "\(delta.name) makes more than \(byteText(longest)): if it is meant to, say how much it may make "
                            + "(--max-size)")
                }
                var instructions = InstructionReader(ByteReader(block.instructions, name: delta.name))
                do {
                    try maker.append(block.contentLength, from: source, &instructions, to: target)
                } catch {
                    switch error {
                    case .instructions(let error), .outside(let error): throw error
                    case .basis(let errno?): throw SlotSyncError(.system, "cannot read \(basis.name)", errno: errno)
                    case .basis(nil): throw mismatch(basis, "it became shorter while it was read")
                    case .output(let errno): throw writeFailure(output, errno)
                    }
                }
                try instructions.reader.expectEnd()
            case .trailer(_, let digest):
                let made: ContentDigest
                do { made = try target.finish() } catch { throw writeFailure(output, error) }
                guard made == digest else { throw mismatch(basis, "the result is not what \(delta.name) promises") }
                return
            }
        }
    }

    /// The basis of a delta that was made from `length` bytes.
    private static func open(_ basis: NamedDescriptor, length: UInt64) throws(SlotSyncError) -> BasisFile {
        let (file, actual): (FileDescriptor, Int64)
        do {
            actual = try basis.descriptor.seek(offset: 0, from: .end)
            file = try basis.descriptor.duplicate()
        } catch {
            throw SlotSyncError(
                .badInput, "\(basis.name) cannot be read at any position; it must be a file", errno: error as? Errno)
        }
        let source = BasisFile(file, length: length)
        guard UInt64(actual) == length else {
            throw mismatch(basis, "it has \(actual) bytes, the signature was made of \(length)")
        }
        return source
    }

    private static func mismatch(_ basis: NamedDescriptor, _ how: String) -> SlotSyncError {
        SlotSyncError(
            .verification,
            "\(basis.name) is not the file that the signature was made of: \(how); "
                + "use that file, or make signature and delta again from this one")
    }

    private static func writeFailure(_ output: NamedDescriptor, _ errno: Errno) -> SlotSyncError {
        SlotSyncError(errno == .noSpace ? .diskFull : .system, "cannot write \(output.name)", errno: errno)
    }

    private static func readSignature(_ file: NamedDescriptor) throws(SlotSyncError) -> Signature {
        var input = SequentialInput(file.descriptor, name: file.name)
        let bytes = try input.rest(atMost: maximumSignatureFileLength)
        return try Signature(file: bytes, name: file.name)
    }

    private static func write(_ bytes: [UInt8], to output: NamedDescriptor) throws(SlotSyncError) {
        do {
            try bytes.withUnsafeBufferPointer { (bytes) throws(Errno) in
                try output.descriptor.writeFully(UnsafeRawBufferPointer(bytes))
            }
        } catch { throw writeFailure(output, error) }
    }
}
