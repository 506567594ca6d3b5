// `slotsync agent`: the host's side of a session. A host that has the command needs no other program.

import ArgumentParser
import SlotSync

struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "Serve one session on a host; the controller starts it.",
        discussion: """
            Speaks SlotSync's protocol on standard input and output, so there is nothing to see in it. As a forced command \
            in authorized_keys it pins a key to one root:

              restrict,command="slotsync agent --root /srv/www" ssh-ed25519 AAAA… deploy@controller

            With --policy FILE, a file of root's, it does what that allows and nothing else.
            """)

    @Option(help: ArgumentHelp("The folder that holds the ring.", valueName: "path"), completion: .directory)
    var root: String

    @Option(
        help: ArgumentHelp("The file that says what may be asked for; its whole path.", valueName: "file"),
        completion: .file())
    var policy: String?

    @Option(
        help: ArgumentHelp(
            "A file of Ed25519 keys, one of which has to have signed a release; its whole path.", valueName: "file"),
        completion: .file())
    var verifyKey: String?

    func run() async throws {
        throw ExitCode(await HostAgent.serve(root: root, policy: policy, verifyKey: verifyKey))
    }
}
