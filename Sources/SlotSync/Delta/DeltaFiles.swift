// The delta engine on single files, as the commands `signature`, `delta` and `patch` offer it. Works on open
// descriptors; what paths mean, and where results are put, is the commands' business.

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

    /// Writes the signature of `basis`, which is `length` bytes long.
    /// - Throws: `sourceChanged` if the basis turns out longer or shorter; `system` for what cannot be read or written.
    public static func writeSignature(
        of basis: NamedDescriptor, length: UInt64, blockLength: Int? = nil, to output: NamedDescriptor
    ) throws(SlotSyncError) {
        var builder = Signature.Builder(
            basisLength: length, blockLength: blockLength, seed: UInt64.random(in: .min ... .max))
        var input = SequentialInput(basis.descriptor, name: basis.name)
        let space = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { space.deallocate() }
        while true {
            let count = try input.read(into: space)
            builder.update(UnsafeRawBufferPointer(rebasing: space[..<count]))
            if count < space.count { break }
        }
        do throws(SlotSyncError) {
            try write(try builder.finish().encodedFile(), to: output)
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
            for encoded in forEachConcurrently(blocks.takeBlocks(), DeltaFile.encoded) {
                try write(encoded, to: output)
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

    /// Makes the content from `basis` and `delta`, and verifies it.
    /// - Parameter makesHoles: `output` is an empty regular file, in which long runs of zeros may be holes.
    /// - Throws: `verification` if `basis` is not the file that the signature was made of; `corrupt` if the delta is
    ///   damaged. What was written until then is worthless.
    public static func patch(
        basis: NamedDescriptor, delta: NamedDescriptor, to output: NamedDescriptor, makesHoles: Bool = false
    ) throws(SlotSyncError) {
        var reader = try DeltaFileReader.open(SequentialInput(delta.descriptor, name: delta.name))
        var source = Basis(file: basis, length: reader.basisLength)
        try source.checkLength()
        var target = SequentialOutput(output.descriptor, name: output.name, makesHoles: makesHoles)
        while true {
            switch try reader.next() {
            case .block(let block):
                try apply(block, basis: &source, named: delta.name, to: &target)
            case .trailer(_, let digest):
                guard try target.finish() == digest else {
                    throw source.mismatch("the result is not what \(delta.name) promises")
                }
                return
            }
        }
    }

    private static func apply(
        _ block: DeltaFile.Block, basis: inout Basis, named name: String, to target: inout SequentialOutput
    ) throws(SlotSyncError) {
        var instructions = InstructionReader(ByteReader(block.instructions, name: name))
        instructions.beginItem(contentLength: block.contentLength, basisLength: basis.length)
        while true {
            switch try instructions.next() {
            case .copy(let offset, let length):
                try basis.copy(offset, length, to: &target)
            case .add(let offset, let differences):
                try differences.withUnsafeBufferPointer { (differences) throws(SlotSyncError) in
                    let differences = UnsafeRawBufferPointer(differences)
                    try basis.copy(offset, UInt64(differences.count), adding: differences, to: &target)
                }
            case .literal(let bytes):
                try bytes.withUnsafeBufferPointer { (bytes) throws(SlotSyncError) in
                    try target.append(UnsafeRawBufferPointer(bytes))
                }
            case .zeros(let length):
                try target.appendZeros(length)
            case .end:
                try instructions.reader.expectEnd()
                return
            }
        }
    }

    private static func readSignature(_ file: NamedDescriptor) throws(SlotSyncError) -> Signature {
        var input = SequentialInput(file.descriptor, name: file.name)
        let bytes = try input.rest(atMost: maximumSignatureFileLength)
        return try Signature(file: bytes, name: file.name)
    }

    private static func write(_ bytes: [UInt8], to output: NamedDescriptor) throws(SlotSyncError) {
        var target = SequentialOutput(output.descriptor, name: output.name, makesHoles: false)
        try bytes.withUnsafeBufferPointer { (bytes) throws(SlotSyncError) in
            try target.append(UnsafeRawBufferPointer(bytes))
        }
        _ = try target.finish()
    }
}

/// The file that copies come from.
private struct Basis {
    let file: NamedDescriptor
    /// How long the delta says it is.
    let length: UInt64
    private var reader: BasisReader

    init(file: NamedDescriptor, length: UInt64) {
        self.file = file
        self.length = length
        reader = BasisReader(file.descriptor)
    }

    func checkLength() throws(SlotSyncError) {
        let actual: Int64
        do { actual = try file.descriptor.seek(offset: 0, from: .end) } catch {
            throw SlotSyncError(
                .badInput, "\(file.name) cannot be read at any position; it must be a file", errno: error as? Errno)
        }
        guard UInt64(actual) == length else {
            throw mismatch("it has \(actual) bytes, the signature was made of \(length)")
        }
    }

    /// Appends bytes of the basis to `target`, with differences added if there are any.
    mutating func copy(
        _ offset: UInt64, _ length: UInt64, adding differences: UnsafeRawBufferPointer? = nil,
        to target: inout SequentialOutput
    ) throws(SlotSyncError) {
        var done: UInt64 = 0
        while done < length {
            let count = try target.append(atMost: length - done) { (space) throws(SlotSyncError) in
                do throws(Errno) {
                    let count = try reader.read(at: offset + done, into: space)
                    if let differences {
                        space.add(UnsafeRawBufferPointer(rebasing: differences[Int(done)..<Int(done) + count]))
                    }
                    return count
                } catch {
                    throw SlotSyncError(.system, "cannot read \(file.name)", errno: error)
                }
            }
            guard count > 0 else { throw mismatch("it became shorter while it was read") }
            done += UInt64(count)
        }
    }

    func mismatch(_ how: String) -> SlotSyncError {
        SlotSyncError(
            .verification,
            "\(file.name) is not the file that the signature was made of: \(how); "
                + "use that file, or make signature and delta again from this one")
    }
}
