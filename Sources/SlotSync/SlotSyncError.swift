// The one error type of the library. A code for programs, a sentence for people, and the system's
// own error where there is one. An agent's error crosses the wire as its code and its sentence.

public import SystemPackage

/// What went wrong, in a form that both a program and a person can act on.
public struct SlotSyncError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of failure this is; stable across versions, and the same on both ends of a session.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The code as programs and the wire have it: lower-case letters and dashes.
        public let rawValue: String
        /// A code by its text; one that is not among those below comes from a newer agent.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The caller's input (a source, a pattern, a host list, an option) cannot be used.
        public static let badInput = Code(rawValue: "bad-input")
        /// A system call failed; `errno` says how.
        public static let system = Code(rawValue: "system")
        /// Stored data (a state, a manifest, a signature, a delta) is damaged or truncated.
        public static let corrupt = Code(rawValue: "corrupt")
        /// The other end sent something that the protocol does not allow.
        public static let protocolViolation = Code(rawValue: "protocol")
        /// The two ends speak different major versions.
        public static let versionMismatch = Code(rawValue: "version")
        /// Another command holds the root's lock.
        public static let locked = Code(rawValue: "locked")
        /// The file system has no room for the release.
        public static let diskFull = Code(rawValue: "disk-full")
        /// The root is not a ring of slots, or cannot become one.
        public static let notARing = Code(rawValue: "not-a-ring")
        /// No such release, or more than one that fits.
        public static let unknownRelease = Code(rawValue: "unknown-release")
        /// The release is not in a state that the command needs.
        public static let notReady = Code(rawValue: "not-ready")
        /// A file of the source would not hold still while it was read.
        public static let sourceChanged = Code(rawValue: "source-changed")
        /// Content on the host is not what it has to be, and could not be put right.
        public static let verification = Code(rawValue: "verification")
        /// The host's policy does not allow it, or cannot be believed.
        public static let refused = Code(rawValue: "refused")
        /// A hook ended with an error.
        public static let hookFailed = Code(rawValue: "hook")
        /// A flip failed after its rename, and the host could not go back: the release is live there.
        public static let notTakenBack = Code(rawValue: "not-taken-back")
        /// The host could not be reached, or its session ended early.
        public static let unreachable = Code(rawValue: "unreachable")
        /// The host said nothing for too long.
        public static let timedOut = Code(rawValue: "timeout")
        /// The host's agent is missing.
        public static let agentMissing = Code(rawValue: "agent-missing")
        /// The command was interrupted.
        public static let cancelled = Code(rawValue: "cancelled")
        /// The command gave way to another one that asked for the lock.
        public static let preempted = Code(rawValue: "preempted")
    }

    /// What kind of failure it is.
    public var code: Code
    /// One line: what failed, where, and what to do next.
    public var message: String
    /// The system's error behind it, if there was one.
    public var errno: Errno?

    /// - Parameters:
    ///   - message: one line; see ``message``.
    ///   - errno: the system's error behind it; the description ends with it.
    public init(_ code: Code, _ message: String, errno: Errno? = nil) {
        self.code = code
        self.message = message
        self.errno = errno
    }

    /// The message and, behind a colon, the system's error.
    public var description: String {
        guard let errno else { return message }
        return "\(message): \(errno)"
    }
}
