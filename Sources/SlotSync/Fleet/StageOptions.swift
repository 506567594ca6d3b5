// What a caller says of a stage beside the source: how the tree is read, what hosts are asked for, and where the
// controller keeps what makes the next stage cheaper. FleetStage and PreparedRelease read it.

public import SystemPackage

/// By what a release says what a file's content is.
public enum ReleaseDigest: String, Sendable, Hashable, CaseIterable {
    /// XXH3-128: finds damage.
    case xxh3
    /// SHA-256 besides: stands up to whoever makes contents that look the same. A signature needs it.
    case sha256
}

/// What is staged, and how.
public struct StageOptions: Sendable {
    /// A human's name for the release.
    public var name = ""
    /// What is left out of the release.
    public var exclusions = Exclusions()
    /// Paths that outlive releases: each becomes a link to `shared/PATH`, where hosts get once what the source has.
    public var shared: [String] = []
    /// Those that are files, though neither the source nor a host may have them yet. None of them is in ``shared``.
    public var sharedFiles: [String] = []
    /// Changes of the modes that the release has.
    public var modes = ModeChanges()
    /// What hosts do with entries of the slot that SlotSync did not put there.
    public var foreign = ForeignPolicy.remove
    /// Trust neither the hash cache nor a host's stat tuples: hash everything.
    public var checksum = false
    /// Say what would be sent, change nothing.
    public var dryRun = false
    /// The hooks of a flip that is to follow; nil: none follows. A host whose policy does not allow them is not staged.
    public var hooksToCome: Hooks?
    /// Whether a source without any entry may be staged.
    public var allowsEmpty = false
    /// Carry numeric owners and groups; the agents must run as root.
    public var ownership = false
    /// Link again what is hard-linked in the source.
    public var hardLinks = false
    /// Carry extended attributes of files and directories: `user.*`, file capabilities, SELinux labels, and access lists.
    public var extendedAttributes = false
    /// What the release says of each file's content.
    public var contentDigest = ReleaseDigest.xxh3
    /// A signature of the release, as `ssh-keygen -Y sign` writes it; empty: none. It is of the release as this stage makes
    /// it, its name too. See ``ReleaseStatement``.
    public var signature: [UInt8] = []
    /// Who has to have signed the release, for this controller to stage it; nil: nobody. Hosts ask for themselves.
    public var signers: Signers?
    /// Slots of a ring that is made now (2 to 9); an existing ring must have as many. Nil: five.
    public var slots: Int?
    /// Send changed files whole, without a basis, and keep no contents for the next stage; nil: to local agents alone.
    /// On one machine reading a basis costs as much as reading the content.
    public var wholeFiles: Bool?
    /// zlib's level for what goes over the wire, 0 to 9; nil: over ssh 6, or 4 while hosts wait for more; 0 to local
    /// agents.
    public var compressionLevel: Int?
    /// Where the controller keeps what makes the next stage cheaper; nil: `$XDG_CACHE_HOME/slotsync` or
    /// `~/.cache/slotsync`.
    public var cacheDirectory: FilePath?
    /// How many bytes of releases' contents are kept there, though no more than a quarter of the room; 0: none.
    public var cacheSize: UInt64 = 2 << 30

    /// Files of whoever stages, such as the configuration: where the release holds one of them, a warning names it.
    public var ownFiles: [FilePath] = []

    /// What ``compressionLevel`` may be.
    public static let compressionLevels = 0...9

    /// All of the source, and everything else as a stage usually is.
    public init() {}

    /// Checks paths for ``shared``.
    ///
    /// - Throws: ``SlotSyncError`` with the code `badInput`, for the first that cannot be one.
    public static func checkShared(_ paths: [String]) throws(SlotSyncError) { _ = try SharedPaths.parse(paths) }
}
