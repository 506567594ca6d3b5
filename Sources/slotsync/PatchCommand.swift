// `slotsync patch`: makes the new file from the old one and a delta. The new file is verified before it gets its name.

import ArgumentParser
import SlotSync

struct PatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "patch",
        abstract: "Make the new file from the old one and a delta.",
        discussion: """
            The result is verified by its digest. With --output, a file that stood there is replaced only when the \
            result is right, and may be the old file itself. On standard output the result is on its way before it is \
            verified: the exit code says whether it was right.
            """)

    @Argument(help: "The old file, of which the signature was made.", completion: .file())
    var basis: String

    @Argument(help: "The delta; - for standard input.", completion: .file())
    var delta: String

    @Option(name: [.short, .customLong("output")], help: "Where to write the new file. (default: standard output)")
    var output: String?

    @Option(
        help: ArgumentHelp("How long the new file may be: 500M, 2T. (default: 1T)", valueName: "size"),
        transform: ValueForm.size.option)
    var maxSize = DeltaFiles.usualLongestContent

    func run() throws {
        let basisFile = try InputFile.open(basis)
        defer { basisFile.close() }
        let deltaFile = try InputFile.open(delta)
        defer { deltaFile.close() }
        try ResultFile.write(to: output) { result in
            try DeltaFiles.patch(
                basis: basisFile.named, delta: deltaFile.named, to: result.named, makesHoles: result.isFresh,
                atMost: maxSize)
        }
    }

    func validate() throws {
        if basis == "-", delta == "-" { throw ValidationError("only one of BASIS and DELTA can be -") }
    }
}
