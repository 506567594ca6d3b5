// `slotsync signature`: writes the signature of a file. With it, a delta to a newer version can be made on another
// machine.

import ArgumentParser
import SlotSync

struct SignatureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "signature",
        abstract: "Describe a file by the checksums of its blocks.",
        discussion: """
            The signature is small: about 1% of a file of a megabyte, and less the longer the file. Take it to where the \
            file's successor is, make a delta there, take that back, and patch the file with it:

              slotsync signature old -o old.sig
              slotsync delta old.sig new -o new.delta
              slotsync patch old new.delta -o new
            """)

    @Argument(help: "The file to describe; - for standard input.", completion: .file())
    var file: String

    @Option(name: [.short, .customLong("output")], help: "Where to write the signature. (default: standard output)")
    var output: String?

    @Option(
        help: ArgumentHelp(
            "Bytes in a block. Smaller blocks make smaller deltas, and larger signatures. (default: the square root of the file's length)",
            valueName: "bytes"))
    var blockSize: Int?

    func validate() throws {
        if let blockSize, !DeltaFiles.blockLengths.contains(blockSize) {
            let bounds = DeltaFiles.blockLengths
            throw ValidationError("--block-size is from \(bounds.lowerBound) to \(bounds.upperBound), not \(blockSize)")
        }
    }

    func run() throws {
        let basis = try InputFile.open(file, needsLength: true)
        defer { basis.close() }
        let length = try basis.length()
        try ResultFile.write(to: output) { result in
            try DeltaFiles.writeSignature(
                of: basis.named, length: length, blockLength: blockSize, to: result.named)
        }
    }
}
