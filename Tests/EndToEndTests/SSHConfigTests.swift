// What a person's ssh_config holds, and what a busy sshd does: sessions come about all the same, or say why not.

import Foundation
import Testing

extension FleetEndToEnd {
    @Suite("A person's ssh_config, and a busy sshd")
    struct SSHConfigTests {
        @Test(
            "what ssh_config starts, forwards or prints beside a session breaks none",
            arguments: [
                "RemoteCommand echo hello", "RequestTTY force", "StdinNull yes", "ForkAfterAuthentication yes",
                "SessionType none", "PermitLocalCommand yes\nLocalCommand echo local", "EscapeChar ~", "Tunnel yes",
                "LogLevel QUIET",
            ])
        func settings(_ settings: String) async throws {
            try await Workbench.use { bench in
                try await SSHServer.use(bench, hosts: 1) { server in
                    let fleet = try server.fleet(settings: settings).with("--remote-command", Program.agent)
                    try await fleet.release(firstTree(bench))
                    #expect(fleet.current(server.hosts[0]) == "slots/1")
                }
            }
        }

        @Test("a forwarded port, which one session alone can have, does not keep the other hosts out")
        func forwards() async throws {
            try await Workbench.use { bench in
                try await SSHServer.use(bench, hosts: 3) { server in
                    let port = try Loopback.freePort()
                    let settings = "LocalForward \(port) localhost:1\nDynamicForward \(port)\nExitOnForwardFailure yes"
                    let fleet = try server.fleet(settings: settings).with("--remote-command", Program.agent)
                    try await fleet.release(firstTree(bench))
                }
            }
        }

        @Test(
            "a host whose first address is dead is reached by its second, in the time that ssh_config or --timeout leaves",
            .enabled("needs root, to give a name two addresses") { await Machine.canMountMemory() },
            arguments: ["ConnectTimeout 2", ""])
        func deadAddress(_ settings: String) async throws {
            try await Workbench.use { bench in
                try await SSHServer.use(bench, hosts: 1, from: 2) { server in
                    let dead = try Loopback.silent(server.port)
                    defer { for descriptor in dead { close(descriptor) } }
                    let names = try String(contentsOfFile: "/etc/hosts", encoding: .utf8)
                    let file = try bench.write("\(names)\n127.0.0.1 two-ways\n127.0.0.2 two-ways\n", to: "hosts")
                    try bench.folder("two-ways/www")
                    let fleet = try server.fleet(settings: settings).only("two-ways")
                    let command = [Program.slotsync, "status", "--remote-command", Program.agent, "--timeout", "30s"]
                    let outcome = try await Program.run(
                        ["unshare", "-m", "sh", "-c", "mount --bind '\(file)' /etc/hosts && exec \"$@\"", "sh"]
                            + command
                            + fleet.options, environment: fleet.environment, in: bench.path)
                    #expect(outcome.exitCode == 0 && outcome.output.contains("two-ways"), "\(outcome)")
                }
            }
        }

        @Test("logins that sshd drops since too many are under way are tried again, and counted")
        func droppedLogins() async throws {
            try await Workbench.use { bench in
                // Half of those beyond three, not all: of so few hosts none is unlucky four times, however slow the machine.
                try await SSHServer.use(bench, hosts: 24, startups: "3:50:60") { server in
                    let fleet = try server.fleet().with("--remote-command", Program.agent)
                    let outcome = try await fleet.call("stage", firstTree(bench).path, "--json")
                    #expect(outcome.exitCode == 0, "\(outcome)")
                    #expect(try outcome.summary()["retried_logins"] as? Int ?? 0 > 0, "\(outcome)")
                    let told = try await fleet.call("status")
                    #expect(told.exitCode == 0 && told.errors.contains("MaxStartups"), "\(told)")
                }
            }
        }

        @Test("a login that is dropped again and again is tried four times, and the message names MaxStartups")
        func droppedForEver() async throws {
            try await onShell(saying: "kex_exchange_identification: Connection closed by remote host") { fleet, calls in
                let outcome = try await fleet.call("status", "--verbose")
                #expect(outcome.exitCode == 1, "\(outcome)")
                for word in ["MaxStartups", "--parallel", "tried 4 times", "tried again"] {
                    #expect(outcome.errors.contains(word), "\(outcome)")
                }
                #expect(try calls() == 4)
            }
        }

        @Test(
            "what another try cannot change is not tried again",
            arguments: [
                "eva@h1: Permission denied (publickey).", "Host key verification failed.",
                "ssh: Could not resolve hostname h1: Name or service not known",
                "ssh: connect to host h1 port 22: Connection refused",
                "Received disconnect from 192.0.2.1 port 22:2: Too many authentication failures",
                "channel 0: open failed: connect failed: Connection refused\nConnection closed by UNKNOWN port 65535",
            ])
        func refusals(_ words: String) async throws {
            try await onShell(saying: words) { fleet, calls in
                let outcome = try await fleet.call("status")
                #expect(outcome.exitCode == 1, "\(outcome)")
                #expect(outcome.errors.contains(String(words.prefix { $0 != "\n" })), "\(outcome)")
                #expect(try calls() == 1)
            }
        }

        @Test("a login that is dropped twice delays a stage, and nothing else")
        func droppedOnce() async throws {
            try await onShell(
                saying: "kex_exchange_identification: read: Connection reset by peer", times: 2
            ) { fleet, calls in
                try fleet.bench.folder("h1/www")
                try await fleet.with("--remote-command", Program.agent).done("stage", firstTree(fleet.bench).path)
                #expect(try calls() == 3)
            }
        }

        @Test("where a key is not known yet, --rsh in a terminal fails at once, with ssh's words and what to do")
        func unknownKey() async throws {
            try await Workbench.use { bench in
                try await SSHServer.use(bench, hosts: 1) { server in
                    let asking = try askingConfiguration(bench)
                    let fleet = try server.fleet().with("--rsh", replacedBy: "ssh -F \(asking)")
                    let terminal = try Terminal(
                        [Program.slotsync, "status"] + fleet.options + ["--timeout", "1h"], environment: [:],
                        in: bench.path, columns: 200)
                    #expect(try await terminal.ended() == 1)
                    for word in ["Host key verification failed", "ssh-keyscan"] {
                        #expect(terminal.output.contains(word), "\(terminal.output)")
                    }
                }
            }
        }

        @Test("a host whose key has changed is told as that, with no advice to take the new one unseen")
        func changedKey() async throws {
            try await Workbench.use { bench in
                try await SSHServer.use(bench, hosts: 1) { server in
                    let host = server.hosts[0]
                    let key = try String(contentsOfFile: bench["sshd/user-key.pub"], encoding: .utf8)
                    try bench.write("[\(host)]:\(server.port) \(key)", to: "known")
                    let settings = "StrictHostKeyChecking yes\nUserKnownHostsFile \(bench["known"])"
                    for list in [host, "\(host):\(server.port)"] {
                        let outcome = try await server.fleet(settings: settings).only(list).call("status")
                        #expect(outcome.exitCode == 1 && !outcome.errors.contains("keyscan"), "\(outcome)")
                        #expect(outcome.errors.contains("the host's key is not the one that is known"), "\(outcome)")
                        #expect(
                            outcome.errors.contains("ssh-keygen -R '[HOST]:\(server.port)'") == (list != host),
                            "\(outcome)")
                    }
                }
            }
        }

        @Test(
            "why a login failed is said although ssh_config keeps ssh quiet",
            arguments: ["LogLevel QUIET", "LogLevel FATAL"])
        func quietConfiguration(_ level: String) async throws {
            try await Workbench.use { bench in
                try await SSHServer.use(bench, hosts: 1) { server in
                    let outcome = try await server.fleet(settings: "\(level)\nPort 1").call("status")
                    #expect(outcome.exitCode == 1 && outcome.errors.contains("Connection refused"), "\(outcome)")
                }
            }
        }

        @Test(
            "a proxy that fails says why at once, and is taken for no busy sshd",
            arguments: [
                ("ProxyCommand no-such-proxy %h", "no-such-proxy"),
                ("ProxyCommand sh -c 'echo the badge has expired >&2; exit 1'", "the badge has expired"),
                ("ProxyJump 127.0.0.1", "a jump host to itself"),
            ])
        func brokenProxy(settings: String, reason: String) async throws {
            try await Workbench.use { bench in
                try await SSHServer.use(bench, hosts: 1) { server in
                    let outcome = try await server.fleet(settings: settings).call("status", "--verbose")
                    #expect(outcome.exitCode == 1 && outcome.errors.contains(reason), "\(outcome)")
                    for word in ["MaxStartups", "tried again", "tried 4 times"] {
                        #expect(!outcome.errors.contains(word), "\(outcome)")
                    }
                }
            }
        }

        @Test(
            "jump hosts that lead in a circle are named, and no login is tried",
            arguments: [
                "Host h1\nProxyJump b\nHost b\nProxyJump eva@c:22\nHost c\nProxyJump H1",
                "Host h1\nProxyCommand ssh -q -W %h:%p b\nHost b\nProxyCommand exec ssh -W [%h]:%p h1",
            ])
        func jumpsInACircle(settings: String) async throws {
            try await Workbench.use { bench in
                let config = try bench.write(settings + "\n", to: "ssh-config")
                try bench.folder("bin")
                let program = exists("/usr/bin/ssh") ? "/usr/bin/ssh" : "/usr/local/bin/ssh"
                // A login would make processes without end: this ssh tells its settings, and no more.
                _ = try bench.script(
                    """
                    #!/bin/sh
                    [ "$1" = -G ] && exec \(program) -F '\(config)' "$@"
                    echo login >> '\(bench["logins"])'
                    exit 255
                    """, to: "bin/ssh")
                var fleet = Fleet(bench, named: ["h1"], list: "h1")
                fleet.options += ["--transport", "ssh"]
                fleet.environment["PATH"] = "\(bench["bin"]):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
                let outcome = try await fleet.call("status")
                #expect(outcome.exitCode == 1 && !exists(bench["logins"]), "\(outcome)")
                #expect(outcome.errors.contains("lead in a circle (h1, then b, then "), "\(outcome)")
            }
        }

        @Test("no window asks a person on a screen", arguments: [true, false])
        func noWindow(isNamed: Bool) async throws {
            try await Workbench.use { bench in
                try await SSHServer.use(bench, hosts: 1) { server in
                    let asking = try askingConfiguration(bench)
                    let window = try bench.script("#!/bin/sh\ntouch '\(bench["asked"])'\necho yes\n", to: "window")
                    var fleet = try server.fleet().with("--rsh", replacedBy: "ssh -F \(asking)")
                    fleet.environment["DISPLAY"] = ":0"
                    fleet.environment["SSH_ASKPASS"] = window
                    if isNamed { fleet.environment["SSH_ASKPASS_REQUIRE"] = "force" }
                    let outcome = try await fleet.call("status")
                    #expect(
                        outcome.exitCode == 1 && outcome.errors.contains("Host key verification failed"), "\(outcome)")
                    #expect(!exists(bench["asked"]))
                }
            }
        }

        @Test("a remote shell that is silent is named, while it is still waited for")
        func silentShell() async throws {
            try await Workbench.use { bench in
                let fleet = Fleet(bench, named: ["h1"], list: "h[1-2]").with(
                    "--rsh", "sh -c 'sleep 60'", "--timeout", "8s")
                let outcome = try await fleet.call("status")
                #expect(outcome.errors.contains("h[1-2]: no greeting yet"), "\(outcome)")
                #expect(outcome.errors.contains("said nothing for 8 s"), "\(outcome)")
            }
        }
    }
}

/// A fleet of one host, whose remote shell says something and fails, so many times or always; then the host is this
/// machine.
private func onShell(
    saying words: String, times: Int = .max, _ body: (Fleet, () throws -> Int) async throws -> Void
) async throws {
    try await Workbench.use { bench in
        let calls = bench["calls"]
        let shell = try bench.script(
            """
            #!/bin/sh
            echo call >> '\(calls)'
            if [ $(wc -l < '\(calls)') -le \(times) ]; then
                printf '%s\\n' '\(words)' >&2
                exit 255
            fi
            shift
            exec sh -c "$*"
            """, to: "rsh")
        let fleet = Fleet(bench, named: ["h1"], list: "h1").with("--rsh", shell)
        try await body(fleet) { try String(contentsOfFile: calls, encoding: .utf8).split(separator: "\n").count }
    }
}

/// A configuration of the bench's ssh with which it asks a person about keys that it does not know.
private func askingConfiguration(_ bench: Workbench) throws -> String {
    let config = try String(contentsOfFile: bench["sshd/client"], encoding: .utf8)
        .replacingOccurrences(of: "BatchMode yes", with: "BatchMode no")
        .replacingOccurrences(of: "StrictHostKeyChecking no", with: "StrictHostKeyChecking ask")
        .replacingOccurrences(of: "/dev/null", with: bench["known"])
    return try bench.write(config, to: "sshd/asks")
}
