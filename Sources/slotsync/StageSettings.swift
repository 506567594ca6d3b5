// The options of `stage` and `push` that say what a release consists of. Together with the configuration they make
// StageOptions.

import ArgumentParser
import SlotSync
import SystemPackage

struct StageSettings: ParsableArguments {
    @Option(
        help: ArgumentHelp("A name for the release, by which it can be flipped to.", valueName: "name"),
        transform: ValueForm.releaseName.option)
    var name: String?

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Leave out what matches, in gitignore's pattern language. Repeatable; added to the configuration's.",
            valueName: "pattern"))
    var exclude: [String] = []

    @Option(
        help: ArgumentHelp("Patterns to leave out, one a line; a .gitignore will do. Repeatable.", valueName: "file"),
        completion: .file(), transform: ValueForm.file.option)
    var excludeFrom: [String] = []

    @Option(
        help: ArgumentHelp(
            "A path that outlives releases: it becomes a link to the root's shared folder, which gets once what the source "
                + "has there. Repeatable.",
            valueName: "path"))
    var shared: [String] = []

    @Option(
        help: ArgumentHelp(
            "The same for a file that neither the source nor the hosts need to have yet. Repeatable.", valueName: "path"
        ))
    var sharedFile: [String] = []

    @Option(
        help: ArgumentHelp(
            "Change the modes that the release has: rsync's language, such as go+rX or Dg+s,F644. Repeatable.",
            valueName: "changes"))
    var chmod: [String] = []

    @Flag(exclusivity: .exclusive)
    var foreign: ForeignFlag?

    @Flag(help: "Read every file, here and on the hosts, even where size and time say that nothing changed.")
    var checksum = false

    @Flag(help: "Tell how many files each host lacks; change nothing.")
    var dryRun = false

    @Flag(help: "Stage a release without a single entry.")
    var allowEmpty = false

    @Flag(inversion: .prefixedNo, help: "Keep owner and group, by number; the agents must run as root.")
    var owner: Bool?

    @Flag(inversion: .prefixedNo, help: "Link again on the hosts what is hard-linked within the source.")
    var hardLinks: Bool?

    @Flag(
        inversion: .prefixedNo,
        help:
            "Keep extended attributes: those of users, file capabilities, SELinux labels and ACLs, as rsync's -X and -A."
    )
    var xattrs: Bool?

    @Option(
        help: ArgumentHelp(
            "What the release says of each file's content: xxh3, or sha256 besides, as a signature needs it. (default: xxh3)",
            valueName: "kind"), completion: .list(ReleaseDigest.allCases.map(\.rawValue)),
        transform: ValueForm.choice.option)
    var digest: ReleaseDigest?

    @Option(
        help: ArgumentHelp(
            "The release's signature, as `slotsync sign` writes it: hosts keep it, and those that want one check it.",
            valueName: "file"),
        completion: .file(), transform: ValueForm.file.option)
    var signature: String?

    @Option(
        help: ArgumentHelp(
            "Stage nothing but what an Ed25519 key of this file has signed: lines of .pub files, or allowed signers.",
            valueName: "file"),
        completion: .file(), transform: ValueForm.file.option)
    var verifyKey: String?

    @Flag(
        inversion: .prefixedNo,
        help: "Send changed files whole, not as what differs from a file of the host. (default: to local agents alone)")
    var wholeFile: Bool?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How hard the patch is compressed, 0 (not at all) to 9. (default: over ssh 4 or 6, as the link leaves time "
                + "for; 0 to local agents)",
            valueName: "n"),
        transform: ValueForm.number(in: StageOptions.compressionLevels).option)
    var compressLevel: Int?

    @Option(
        help: ArgumentHelp(
            "Where this machine keeps what makes the next stage cheaper; safe to delete. (default: ~/.cache/slotsync)",
            valueName: "folder"), completion: .directory, transform: ValueForm.folder.option)
    var cacheDir: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How much content of earlier releases is kept there: 500M, 2G; 0 for none. (default: 2G)",
            valueName: "size"),
        transform: ValueForm.size.option)
    var cacheSize: UInt64?

    /// The command line's settings over the configuration's. Of patterns the last that matches decides, so those of
    /// the command line come last; of the paths in `shared` all count.
    func options(_ configuration: Configuration, slots: Int?, config: String? = nil) throws -> StageOptions {
        try configuration.checkForStage()
        var options = StageOptions()
        options.name = name ?? ""
        for pattern in configuration.exclude {
            try usage("exclude") { () throws(SlotSyncError) in try options.exclusions.add(pattern: pattern) }
        }
        for file in (configuration.excludeFrom.map { [$0] } ?? []) + excludeFrom.map({ FilePath($0) }) {
            let read = try usage("--exclude-from") { () throws(SlotSyncError) in try Exclusions.read(file: file) }
            options.exclusions.add(read)
        }
        for pattern in exclude {
            try usage("--exclude") { () throws(SlotSyncError) in try options.exclusions.add(pattern: pattern) }
        }
        options.shared = configuration.shared + shared.filter { !configuration.shared.contains($0) }
        options.foreign = foreign?.policy ?? configuration.foreign ?? .remove
        options.sharedFiles =
            configuration.sharedFiles + sharedFile.filter { !configuration.sharedFiles.contains($0) }
        options.shared.removeAll { options.sharedFiles.contains($0) }
        try usage("--shared") { [paths = options.shared + options.sharedFiles] () throws(SlotSyncError) in
            try StageOptions.checkShared(paths)
        }
        for text in chmod.isEmpty ? configuration.chmod : chmod {
            try usage("--chmod") { () throws(SlotSyncError) in try options.modes.add(text) }
        }
        options.checksum = checksum
        options.dryRun = dryRun
        options.allowsEmpty = allowEmpty
        options.ownership = owner ?? configuration.owner ?? false
        options.hardLinks = hardLinks ?? configuration.hardLinks ?? false
        options.extendedAttributes = xattrs ?? configuration.xattrs ?? false
        options.contentDigest = digest ?? configuration.digest ?? .xxh3
        if let signature {
            if digest == .xxh3 { throw ValidationError("a --signature needs --digest sha256; leave --digest out") }
            options.signature = try usage("--signature") { () throws(SlotSyncError) in
                try ReleaseStatement.readSignature(FilePath(signature))
            }
        }
        if let file = verifyKey.map({ FilePath($0) }) ?? configuration.verifyKey {
            options.signers = try usage("--verify-key") { () throws(SlotSyncError) in try Signers(file: file) }
        }
        options.wholeFiles = wholeFile ?? configuration.wholeFile
        options.compressionLevel = compressLevel ?? configuration.compressLevel
        options.cacheDirectory = cacheDir.map { FilePath($0) } ?? configuration.cacheDirectory
        if let size = cacheSize ?? configuration.cacheSize { options.cacheSize = size }
        options.slots = slots ?? configuration.slots
        options.ownFiles = [config.map { FilePath($0) } ?? Configuration.defaultFile] + configuration.ownFiles
        return options
    }
}

/// `--remove-foreign`, `--keep-foreign`, `--refuse-foreign`.
enum ForeignFlag: String, EnumerableFlag {
    case remove, keep, refuse

    static func help(for value: ForeignFlag) -> ArgumentHelp? {
        switch value {
        case .remove: "What others put into the slot goes, and what they edited, with a warning. (default)"
        case .keep: "What others put there stays where the release has nothing; else the stage is refused."
        case .refuse: "The stage is refused where others put something there or edited it."
        }
    }

    static func name(for value: ForeignFlag) -> NameSpecification { .customLong("\(value.rawValue)-foreign") }

    var policy: ForeignPolicy {
        switch self {
        case .remove: .remove
        case .keep: .keep
        case .refuse: .refuse
        }
    }
}
