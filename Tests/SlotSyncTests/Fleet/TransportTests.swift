import Testing

@testable import SlotSync

@Suite("The way to a host")
struct TransportTests {
    @Test("ssh is called without a terminal, without questions, and with the options before the host")
    func ssh() throws {
        let command = try Transport().remoteShellCommand(
            to: Host("root@db1:2222"), settings: SSHSettings("connecttimeout 7\nremotecommand none"),
            timeout: .seconds(30))
        #expect(command == ["ssh"] + SSHSettings.always + ["-p", "2222", "--", "root@db1"])
        for option in ["-T", "BatchMode=yes", "ClearAllForwardings=yes"] { #expect(command.contains(option)) }
    }

    @Test("a connect timeout of ssh_config stays; where there is none, a second address has its time, too")
    func connectTimeout() throws {
        func options(_ settings: String, _ timeout: Duration) -> [String] {
            SSHSettings(settings).options(timeout: timeout).filter { $0.contains("Connect") }
        }
        #expect(options("connecttimeout 45", .seconds(60)) == [])
        #expect(options("connecttimeout none", .seconds(60)) == ["ConnectTimeout=20"])
        #expect(options("", .seconds(6)) == ["ConnectTimeout=2"])
        #expect(options("", .seconds(1)) == ["ConnectTimeout=1"])
        #expect(options("", .seconds(100_000)) == ["ConnectTimeout=33333"])
    }

    @Test(
        "what ssh_config says against a session is corrected, and nothing that it does not say is mentioned",
        arguments: [
            ("remotecommand tmux attach", ["RemoteCommand=none"]), ("stdinnull yes", ["StdinNull=no"]),
            ("forkafterauthentication yes", ["ForkAfterAuthentication=no"]),
            ("sessiontype none", ["SessionType=default"]),
            ("loglevel SILENT", ["LogLevel=ERROR"]), ("loglevel QUIET", ["LogLevel=ERROR"]),
            ("loglevel FATAL", ["LogLevel=ERROR"]),
            ("loglevel INFO", []), ("sessiontype default\nstdinnull no\nloglevel DEBUG1", []),
        ])
    func corrections(_ settings: String, _ options: [String]) {
        let always = SSHSettings("connecttimeout 5").options(timeout: .seconds(9))
        let all = SSHSettings("connecttimeout 5\n" + settings).options(timeout: .seconds(9))
        #expect(all.starts(with: always))
        #expect(all.dropFirst(always.count).filter { $0 != "-o" } == options)
    }

    @Test(
        "the host that ssh goes through first is found, as ssh is given it",
        arguments: [
            ("proxyjump web1", "-- web1"), ("proxyjump eva@WEB1.:2222", "-p 2222 -- eva@WEB1."),
            ("proxyjump web1,b", "-- web1"),
            ("proxyjump [web1]", "-- web1"), ("proxyjump eva@[fe80::1]:22", "-p 22 -- eva@fe80::1"),
            ("proxyjump none", nil), ("port 22", nil),
            ("proxycommand ssh -W %h:%p b", "-- b"), ("proxycommand exec /usr/bin/ssh -q -l eva -W[%h]:%p b", "-- b"),
            ("proxycommand ssh b nc %h %p", "-- b"), ("proxycommand ssh -F other -W %h:%p b", nil),
            ("proxycommand ssh -oProxyJump=none -W %h:%p b", nil), ("proxycommand nc %h %p", nil),
            ("proxycommand ssh", nil),
        ])
    func firstJump(settings: String, destination: String?) {
        #expect(SSHSettings(settings).firstJump?.destination.joined(separator: " ") == destination)
    }

    @Test("an own remote shell is called with the host and nothing else")
    func ownShell() throws {
        let transport = Transport(remoteShell: "my-ssh -o 'A b'")
        let host = try Host("root@db1")
        #expect(
            try transport.remoteShellCommand(to: host, settings: nil, timeout: .seconds(1)) == [
                "my-ssh", "-o", "A b", "root@db1",
            ])
    }

    @Test("an own remote shell cannot be told a port")
    func ownShellAndPort() {
        let error = #expect(throws: SlotSyncError.self) {
            try Transport(remoteShell: "ssh").remoteShellCommand(
                to: Host("db1:2222"), settings: nil, timeout: .seconds(1))
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

    @Test("a local agent has to be named, before any host is asked: nobody starts the embedding program once a host")
    func localAgentUnnamed() async throws {
        let fleet = Fleet(hosts: try HostList.parse("h[1-2]"), root: "/none/{host}", transport: Transport(.local))
        let error = await #expect(throws: SlotSyncError.self) { _ = try await fleet.status().report }
        #expect(error?.code == .badInput && error?.message.contains("remoteCommand") == true)
        let connection = await FleetConnection(fleet)
        await #expect(throws: SlotSyncError.self) { _ = try await connection.stage("/").report }
        let failures = await connection.listen(to: fleet.hosts).failures
        #expect(failures.count == 2 && failures.allSatisfy { $0.error.message.contains("remoteCommand") })
        await connection.close()
    }

    @Test("{host} in the root stands for the host's name, wherever it is")
    func root() throws {
        let host = try Host("root@web1:22")
        #expect(Transport.root("/srv/{host}/x-{host}", of: host) == "/srv/web1/x-web1")
        #expect(Transport.root("/srv/www", of: host) == "/srv/www")
        #expect(Transport.root("{host}", of: try Host("[fe80::1]:22")) == "fe80::1")
    }
}
