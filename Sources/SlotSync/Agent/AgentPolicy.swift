// What a host lets a controller ask of it: root's own words, in a file that the agent's command line names. AgentSession
// asks here before it touches anything. Without a policy all is allowed, and hooks and commands are the controller's.

import SystemPackage

/// What one agent may be asked for. Hooks and commands that run are the policy's texts, never the controller's.
struct AgentPolicy: Equatable, Sendable {
    /// A shell command with the name by which it may be asked for.
    struct Command: Equatable, Sendable {
        var name: String
        var text: String
    }

    /// Where it was read from, for messages.
    let path: String
    /// Which roots may be served; none: whichever the command line names.
    var roots: [FilePath] = []
    var mayStage = true
    /// Whether `current` may be changed, and releases be marked as bad.
    var mayFlip = true
    /// Whether the agent's program may be replaced.
    var mayInstall = false
    /// Whether files may have setuid or setgid, or capabilities.
    var maySetPrivileges = false
    /// Who has to have signed a release; none: it need not be signed.
    var signers: [AllowedSigner] = []
    /// How many slots a ring may be made with.
    var mostSlots: Int?
    var hooks: [Command] = []
    /// What metrics may be read from.
    var commands: [Command] = []
    /// Paths of logs, with a `*` in the file's name perhaps.
    var logs: [String] = []

    init(path: String) { self.path = path }

    /// A policy is no larger, in bytes.
    static let largestFile = 64 << 10

    /// Reads the file at `path`.
    ///
    /// - Throws: ``SlotSyncError``: see ``TrustedFile`` and ``init(parsing:from:)``.
    init(reading path: String) throws(SlotSyncError) {
        let bytes = try TrustedFile(path: path, bound: Self.largestFile, what: "the policy").contents()
        try self.init(parsing: bytes, from: path)
    }

    /// What is not allowed, and how root would allow it.
    private func refusal(_ what: String, allowing remedy: String) -> SlotSyncError {
        SlotSyncError(.refused, "the policy \(quoted(path)) on this host does not allow \(what): \(remedy)")
    }

    // MARK: What is asked for

    func check(root: String) throws(SlotSyncError) {
        guard roots.isEmpty || roots.contains(FilePath(root)) else {
            throw refusal("the root \(quoted(root))", allowing: "add the line `root \(escapedForDisplay(root))` to it")
        }
    }

    func checkFlips() throws(SlotSyncError) {
        guard mayFlip else {
            throw refusal("a change of what is live", allowing: "use a key that may, or say `flip yes` in it")
        }
    }

    func checkInstall() throws(SlotSyncError) {
        guard mayInstall else {
            throw refusal(
                "the agent to be replaced", allowing: "install with another key, or say `install yes` in it")
        }
    }

    /// - Parameter slotCount: of the ring that the stage makes; nil: there is one.
    func checkStage(makingSlots slotCount: Int?) throws(SlotSyncError) {
        guard mayStage else { throw refusal("a stage", allowing: "use a key that may, or say `stage yes` in it") }
        if let slotCount, let mostSlots, slotCount > mostSlots {
            throw refusal(
                "a ring of \(slotCount) slots", allowing: "say --slots \(mostSlots), or `slots \(slotCount)` in it")
        }
    }

    /// Refuses files that give whoever starts them the rights of their owner or group, or rights of root's.
    func checkPrivileges(of manifest: Manifest) throws(SlotSyncError) {
        guard !maySetPrivileges else { return }
        var privileged = manifest.entries.indices.filter {
            manifest.entries[$0].kind == .file && manifest.entries[$0].mode & 0o6000 != 0
        }
        for (entry, attributes) in manifest.extendedAttributes.all
        where attributes[ExtendedAttributes.capability] != nil && privileged.last != entry {
            privileged.append(entry)
        }
        guard !privileged.isEmpty else { return }
        throw refusal(
            "files with setuid, setgid or capabilities (\(namedPaths(privileged.map { manifest.path(of: $0) })))",
            allowing: "leave them out of the release, take the bits away (--chmod Fug-s), or say `setuid yes` in it")
    }

    // MARK: What runs, and what is read

    /// The text of the hook that is asked for by its name, or by its whole text; nothing for none.
    func hook(_ asked: String) throws(SlotSyncError) -> String {
        guard !asked.isEmpty else { return "" }
        guard let text = Self.text(of: asked, in: hooks) else {
            throw refusal("the hook \(quoted(asked))", allowing: Self.line("hook", for: asked))
        }
        return text
    }

    /// The request with the policy's own hooks.
    func allowed(_ request: FlipRequest) throws(SlotSyncError) -> FlipRequest {
        try checkFlips()
        var allowed = request
        allowed.beforeHook = try hook(request.beforeHook)
        allowed.afterHook = try hook(request.afterHook)
        allowed.undoHook = try hook(request.undoHook)
        return allowed
    }

    /// The source with the policy's own command.
    func allowed(_ source: HostSource) throws(SlotSyncError) -> HostSource {
        switch source {
        case .loadAverage, .cpu: return source
        case .command(let asked):
            guard let text = Self.text(of: asked, in: commands) else {
                throw refusal("the command \(quoted(asked))", allowing: Self.line("command", for: asked))
            }
            return .command(text)
        case .log(let path, _):
            guard logs.contains(where: { $0 == path || (!LogPath.isPattern(path) && LogPath.covers($0, path)) }) else {
                throw refusal(
                    "the log \(quoted(path)) to be read",
                    allowing: "add the line `log \(escapedForDisplay(path))` to it"
                )
            }
            return source
        }
    }

    /// A name comes first: it is what the policy calls a command, whatever the text of another one is.
    private static func text(of asked: String, in commands: [Command]) -> String? {
        (commands.first { $0.name == asked } ?? commands.first { $0.text == asked })?.text
    }

    private static func line(_ key: String, for asked: String) -> String {
        let text = isName(asked) ? "\(asked) COMMAND" : "NAME \(escapedForDisplay(cut(asked, atMost: 400)))"
        return "add the line `\(key) \(text)` to it"
    }

    /// How long a command's name may be, in bytes.
    static let longestName = 64

    /// Whether a command may be called so: ASCII letters and digits, and `-`, `_` and `.` behind the first of them.
    static func isName(_ text: some StringProtocol) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= longestName else { return false }
        func isWordByte(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: false
            }
        }
        return isWordByte(first) && text.utf8.allSatisfy { isWordByte($0) || "-_.".utf8.contains($0) }
    }
}
