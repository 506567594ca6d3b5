import Testing

@testable import SlotSync

@Suite("The way to a host")
struct TransportTests {
    @Test("ssh is called without a terminal, without questions, and with the options before the host")
    func ssh() throws {
        let command = try Transport().remoteShellCommand(to: Host("root@db1:2222"), timeout: .seconds(30))
        #expect(
            command == [
                "ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=30", "-p", "2222", "--", "root@db1",
            ])
    }

    @Test("an own remote shell is called with the host and nothing else")
    func ownShell() throws {
        let transport = Transport(remoteShell: "my-ssh -o 'A b'")
        let host = try Host("root@db1")
        #expect(
            try transport.remoteShellCommand(to: host, timeout: .seconds(1)) == ["my-ssh", "-o", "A b", "root@db1"])
    }

    @Test("an own remote shell cannot be told a port")
    func ownShellAndPort() {
        let error = #expect(throws: SlotSyncError.self) {
            try Transport(remoteShell: "ssh").remoteShellCommand(to: Host("db1:2222"), timeout: .seconds(1))
        }
        #expect(error?.message.contains("ssh -p 2222") == true)
    }

    @Test("the agent is looked for in ~/.local/bin and the PATH, or run as the user says")
    func agent() {
        #expect(
            Transport().agentCommand(root: "/srv/my www")
                == #"exec sh -c 'PATH="$HOME/.local/bin:$PATH"; export PATH; "#
                + #"exec slotsync-agent agent --root "$0"' '/srv/my www'"#)
        #expect(
            Transport(remoteCommand: "sudo /opt/agent").agentCommand(root: "/srv/it's")
                == #"sudo /opt/agent agent --root '/srv/it'\''s'"#)
    }

    @Test("a local agent is a program, or a command line where no file has that name")
    func local() throws {
        #expect(
            try Transport(.local, remoteCommand: "/opt/agent").localCommand(root: "/srv/www")
                == ["/opt/agent", "agent", "--root", "/srv/www"])
        #expect(
            try Transport(.local, remoteCommand: "nice -n 5 agent").localCommand(root: "/srv/www")
                == ["/bin/sh", "-c", "exec nice -n 5 agent agent --root \"$0\"", "/srv/www"])
    }

    @Test("{host} in the root stands for the host's name, wherever it is")
    func root() throws {
        let host = try Host("root@web1:22")
        #expect(Transport.root("/srv/{host}/x-{host}", of: host) == "/srv/web1/x-web1")
        #expect(Transport.root("/srv/www", of: host) == "/srv/www")
        #expect(Transport.root("{host}", of: try Host("[fe80::1]:22")) == "fe80::1")
    }
}
