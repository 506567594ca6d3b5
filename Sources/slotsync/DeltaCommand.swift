// `slotsync delta`: compares a file with the signature of an older one, and writes what makes the new file from the
// old one. The old file need not be on this machine.

import ArgumentParser
import Glibc
import SlotSync

struct DeltaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delta",
        abstract: "Make the delta from a file, known by its signature, to a new one.",
        discussion: "See `slotsync help signature` for an example of the three steps.")

    @Argument(help: "The signature of the old file; - for standard input.", completion: .file())
    var signature: String

    @Argument(help: "The new file; - for standard input.", completion: .file())
    var new: String

    @Option(name: [.short, .customLong("output")], help: "Where to write the delta. (default: standard output)")
    var output: String?

    /// More cores than this wait for one reader; each takes memory.
    private static let maximumParallelism = 8

    func validate() throws {
        if signature == "-", new == "-" { throw ValidationError("only one of SIGNATURE and NEW can be -") }
    }

    func run() throws {
        let signatureFile = try InputFile.open(signature)
        defer { signatureFile.close() }
        let content = try InputFile.open(new)
        defer { content.close() }
        let cores = min(max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1), Self.maximumParallelism)
        try ResultFile.write(to: output) { result in
            try DeltaFiles.writeDelta(
                signature: signatureFile.named, content: content.named, parallelism: cores, to: result.named)
        }
    }
}
