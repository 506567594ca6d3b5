// Runs sshd on loopback, with keys and settings of its own. Its clients see five hosts, 127.0.0.1 to 127.0.0.5. Each
// has a home folder on the workbench, so nothing is ever installed into a person's home.

import Foundation
import Testing

struct SSHServer: Sendable {
    let bench: Workbench
    let hosts: [String]
    /// The program to name with `--rsh`.
    let shell: String
    let port: UInt16

    /// Runs `body` while a server with `count` addresses is up.
    ///
    /// - Parameters:
    ///   - first: The last number of the first address.
    ///   - startups: How many may log in at the same time, as sshd has it.
    ///   - forced: The command that runs whatever a client asks for; without it, what the client asks for.
    ///   - pinned: The command that the user's key is pinned to by authorized_keys, in place of `forced`.
    static func use(
        _ bench: Workbench,
        hosts count: Int = 5,
        from first: Int = 1,
        startups: String = "1000",
        forced: String = #"cd "$HOME" && exec /bin/sh -c "$SSH_ORIGINAL_COMMAND""#,
        pinned: String? = nil,
        _ body: (SSHServer) async throws -> Void
    ) async throws {
        let port = try Loopback.freePort()
        let server = try await SSHServer(
            bench, hosts: (first..<first + count).map { "127.0.0.\($0)" }, port: port, startups: startups,
            forced: pinned == nil ? "ForceCommand \(forced)" : "", pinned: pinned)
        let outcome = try await Program.run(
            [daemon, "-D", "-e", "-f", bench["sshd/config"]], timeout: .seconds(120)
        ) { process in
            try await eventually("sshd does not listen") { try Loopback.accepts(port, at: server.hosts[0]) }
            try await body(server)
            process.killGroup()
        }
        try #require(outcome.exitCode == nil, "\(outcome)")
    }

    /// A fleet of these hosts with empty roots, over the ssh transport.
    func fleet() throws -> Fleet {
        var fleet = Fleet(bench, named: hosts, list: hosts.joined(separator: ","))
        fleet.options += ["--transport", "ssh", "--rsh", shell]
        for host in hosts { try bench.folder("\(host)/www") }
        return fleet
    }

    /// A fleet of these hosts over plain `ssh`, with an ssh_config of the person's own: ssh looks for that where the
    /// system's list of users says, which a test leaves alone, so the `ssh` of the PATH names the file.
    ///
    /// - Parameter settings: what stands in ssh_config in front of what leads to this server.
    func fleet(settings: String) throws -> Fleet {
        var fleet = try fleet()
        fleet.options.removeLast(2)
        let program = exists("/usr/bin/ssh") ? "/usr/bin/ssh" : "/usr/local/bin/ssh"
        let client = try String(contentsOfFile: bench["sshd/client"], encoding: .utf8)
        let config = try bench.write("Host *\n\(settings)\n\(client)", to: "sshd/own")
        try bench.folder("sshd/bin")
        _ = try bench.script("#!/bin/sh\nexec \(program) -F '\(config)' \"$@\"\n", to: "sshd/bin/ssh")
        fleet.environment["PATH"] = "\(bench["sshd/bin"]):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
        return fleet
    }

    func home(_ host: String) -> String { bench["\(host)/home"] }

    private init(
        _ bench: Workbench, hosts: [String], port: UInt16, startups: String, forced: String, pinned: String?
    ) async throws {
        self.bench = bench
        self.hosts = hosts
        self.port = port
        try bench.folder("sshd")
        for key in ["host-key", "user-key"] {
            let outcome = try await Program.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", bench["sshd/\(key)"]])
            try #require(outcome.exitCode == 0, "\(outcome)")
        }
        let options = pinned.map { "restrict,command=\"\($0)\" " } ?? ""
        let key = try String(contentsOfFile: bench["sshd/user-key.pub"], encoding: .utf8)
        try bench.write(options + key, to: "sshd/authorized_keys")
        for host in hosts { try bench.folder("\(host)/home") }
        if Machine.isRoot {
            try FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true)
        }
        try bench.write(
            Self.settings(bench, hosts: hosts, port: port, startups: startups, forced: forced), to: "sshd/config")
        try bench.write(
            """
            Host *
                Port \(port)
                User \(NSUserName())
                IdentityFile \(bench["sshd/user-key"])
                IdentitiesOnly yes
                StrictHostKeyChecking no
                UserKnownHostsFile /dev/null
                BatchMode yes
                LogLevel ERROR

            """,
            to: "sshd/client"
        )
        shell = try bench.script("#!/bin/sh\nexec ssh -F '\(bench["sshd/client"])' \"$@\"\n", to: "sshd/rsh")
    }

    private static func settings(
        _ bench: Workbench, hosts: [String], port: UInt16, startups: String, forced: String
    ) -> String {
        // sshd listens at 16 addresses at most.
        let addresses = hosts.count > 16 ? ["0.0.0.0"] : hosts
        return """
            Port \(port)
            \(addresses.map { "ListenAddress \($0)" }.joined(separator: "\n"))
            HostKey \(bench["sshd/host-key"])
            AuthorizedKeysFile \(bench["sshd/authorized_keys"])
            PidFile none
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            PermitRootLogin yes
            MaxStartups \(startups)
            LogLevel ERROR
            \(forced)
            \(hosts.map { "Match LocalAddress \($0)\n    SetEnv HOME=\(bench["\($0)/home"])" }.joined(separator: "\n"))

            """
    }

    private static let daemon = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].first(where: exists) ?? "/usr/sbin/sshd"
}
