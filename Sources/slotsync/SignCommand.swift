// `slotsync sign`: has ssh-keygen sign what a release is. The key is ssh-keygen's business: a file, one of ssh-agent's, or one in
// hardware.

import ArgumentParser
import SlotSync
import SystemPackage

struct SignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign",
        abstract: "Sign a release, for hosts that take no other.",
        discussion: """
            Reads the source as `stage` does with the same options, and has ssh-keygen sign the SHA-256 of all that the release \
            consists of, with its ID and its name. The key is an Ed25519 key: its file, or that of its public half where \
            ssh-agent or a security key has the other one.

              slotsync sign ./site --name v1.4.2 --key ~/.ssh/release -o v1.4.2.sig
              slotsync push ./site --name v1.4.2 --signature v1.4.2.sig

            --statement prints what is signed, and signs nothing: `ssh-keygen -Y sign -n slotsync` does that elsewhere.
            """)

    @Argument(help: "The folder that is the release.", completion: .directory, transform: ValueForm.folder.option)
    var source: String

    @Option(
        help: ArgumentHelp("The key, as ssh-keygen's -f takes it.", valueName: "file"), completion: .file(),
        transform: ValueForm.file.option)
    var key: String?

    @Option(name: [.short, .customLong("output")], help: "Where to write the signature.")
    var output: String?

    @Flag(help: "Print the text that is signed, and sign nothing.")
    var statement = false

    @Option(
        help: ArgumentHelp(
            "Where options stand that are not given here. (default: slotsync.yml, if there is one)",
            valueName: "file"),
        completion: .file(extensions: ["yml", "yaml"]), transform: ValueForm.file.option)
    var config: String?

    @OptionGroup(title: "Stage options") var stage: StageSettings

    func validate() throws {
        if statement, key != nil || output != nil {
            throw ValidationError("--statement signs nothing: leave --key and --output out")
        }
        if !statement, key == nil { throw ValidationError("--key says which key signs; or say --statement") }
        if !statement, output == nil || output == "-" {
            throw ValidationError("--output says to which file the signature goes")
        }
        if stage.digest == .xxh3 { throw ValidationError("a release that is signed has SHA-256: leave --digest out") }
        if stage.signature != nil || stage.verifyKey != nil || stage.dryRun {
            throw ValidationError("--signature, --verify-key and --dry-run are for what is staged: leave them out")
        }
    }

    func run() throws {
        let configuration = try usage { () throws(SlotSyncError) in
            try Configuration.load(named: config.map { FilePath($0) })
        }
        let options = try stage.options(configuration, slots: nil, config: config)
        let statement = try ReleaseStatement.reading(FilePath(source), options: options) { text in
            var console = Console()
            console.note("warning: \(text)")
        }
        guard let key, let output else {
            try FileDescriptor.standardOutput.writeAll(statement.text.utf8)
            return
        }
        let signature = try statement.signed(by: key)
        try ResultFile.write(to: output) { try $0.named.descriptor.writeAll(signature) }
        try FileDescriptor.standardOutput.writeAll("\(statement.release.id)\n".utf8)
    }
}
