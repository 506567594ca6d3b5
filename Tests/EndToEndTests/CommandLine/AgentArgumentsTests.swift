// The host's program reads its own command line.

import Testing

@testable import slotsync_agent

@Suite("The agent's command line")
struct AgentArgumentsTests {
    @Test(
        "the root is taken with and without the word agent",
        arguments: [
            ["agent", "--root", "/srv/www"], ["--root", "/srv/www"], ["agent", "--root=/srv/www"], ["--root=/srv/www"],
        ])
    func root(_ arguments: [String]) {
        #expect(AgentArguments(arguments) == .serve(root: "/srv/www", policy: nil))
    }

    @Test("a root that looks like an option is a root")
    func oddRoot() { #expect(AgentArguments(["--root", "--version"]) == .serve(root: "--version", policy: nil)) }

    @Test(
        "a policy may stand on either side of the root",
        arguments: [
            ["agent", "--root", "/srv/www", "--policy", "/etc/p"], ["--policy=/etc/p", "--root=/srv/www"],
        ])
    func policy(_ arguments: [String]) {
        #expect(AgentArguments(arguments) == .serve(root: "/srv/www", policy: "/etc/p"))
    }

    @Test("--version and --help are understood")
    func others() {
        #expect(AgentArguments(["--version"]) == .version)
        #expect(AgentArguments(["agent", "--help"]) == .help)
    }

    @Test(
        "anything else is refused",
        arguments: [
            [], ["agent"], ["--root"], ["--root", ""], ["--root="], ["--root", "/a", "/b"], ["--root=/a", "b"],
            ["--root", "/a", "--policy"], ["--policy", "/p"], ["--root", "/a", "--policy="],
            ["--root=/a", "--root=/b"],
            ["--root", "/a", "--policy", "/p", "--policy", "/q"], ["--root", "/a", "--policyx=/p"],
            ["stage", "--root", "/a"], ["agent", "agent", "--root", "/a"], ["--version", "x"],
        ])
    func refused(_ arguments: [String]) {
        guard case .wrong = AgentArguments(arguments) else {
            Issue.record("\(arguments) was taken")
            return
        }
    }
}
