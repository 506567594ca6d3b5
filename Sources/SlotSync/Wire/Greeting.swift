// The first message in each direction: who speaks, and which protocol. It begins with bytes that nothing else begins
// with, so that a login banner is told from an agent. It stays readable across major versions, so that two ends that
// differ can say so.

/// Who speaks, and which protocol.
struct Greeting: Equatable, Sendable {
    /// Both ends must agree on this number.
    static let protocolMajor: UInt16 = 2
    /// What a newer end may offer beyond it; informational.
    static let protocolMinor: UInt16 = 0
    /// The first bytes of every greeting, in all versions.
    static let magic = Array("SlotSync".utf8)

    var major = Greeting.protocolMajor
    var minor = Greeting.protocolMinor
    /// The program's version, for messages to people.
    var version: String
    /// `user@machine` of a controller, the host's own name for itself from an agent.
    var peer: String

    /// Throws, naming both versions, if a controller and an agent with these greetings cannot work together.
    static func check(controller: Greeting, agent: Greeting) throws(SlotSyncError) {
        guard controller.major != agent.major else { return }
        throw SlotSyncError(
            .versionMismatch,
            "the agent is version \(agent.version) (protocol \(agent.major)), the controller is version "
                + "\(controller.version) (protocol \(controller.major)): `slotsync install`, run with the "
                + "controller's version, brings the agent to it")
    }
}

extension SlotSyncVersion {
    /// The version with the protocol that it speaks: ends that print the same understand one another.
    public static let text = "\(current) (protocol \(Greeting.protocolMajor))"
}
