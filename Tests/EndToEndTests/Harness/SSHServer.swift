// Runs sshd on loopback, with keys and settings of its own. Its clients see five hosts, 127.0.0.1 to 127.0.0.5. Each
// has a home folder on the workbench, so nothing is ever installed into a person's home.

import Foundation
import Testing

struct SSHServer: Sendable {
    let bench: Workbench
    let hosts: [String]
    /// The program to name with `--rsh`.
    let shell: String

    /// Runs `body` while a server with `count` addresses is up.
    ///
    /// - Parameter forced: The command that runs whatever a client asks for; without it, what the client asks for.
    static func use(
        _ bench: Workbench,
        hosts count: Int = 5,
        forced: String = #"cd "$HOME" && exec /bin/sh -c "$SSH_ORIGINAL_COMMAND""#,
        _ body: (SSHServer) async throws -> Void
    ) async throws {
        let port = try Loopback.freePort()
        let server = try await SSHServer(bench, hosts: count, port: port, forced: forced)
        let outcome = try await Program.run(
            [daemon, "-D", "-e", "-f", bench["sshd/config"]], timeout: .seconds(120)
        ) { process in
            try await eventually("sshd does not listen") { try Loopback.accepts(port) }
            try await body(server)
            process.killGroup()
        }
        try #require(outcome.exitCode == nil, "\(outcome)")
    }

    /// A fleet of these hosts with empty roots, over the ssh transport.
    func fleet() throws -> Fleet {
        var fleet = Fleet(bench, named: hosts, list: "127.0.0.[1-\(hosts.count)]")
        fleet.options += ["--transport", "ssh", "--rsh", shell]
        for host in hosts { try bench.folder("\(host)/www") }
        return fleet
    }

    func home(_ host: String) -> String { bench["\(host)/home"] }

    private init(_ bench: Workbench, hosts count: Int, port: UInt16, forced: String) async throws {
        self.bench = bench
        hosts = (1...count).map { "127.0.0.\($0)" }
        try bench.folder("sshd")
        for key in ["host-key", "user-key"] {
            let outcome = try await Program.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", bench["sshd/\(key)"]])
            try #require(outcome.exitCode == 0, "\(outcome)")
        }
        for host in hosts { try bench.folder("\(host)/home") }
        if Machine.isRoot {
            try FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true)
        }
        try bench.write(Self.settings(bench, hosts: hosts, port: port, forced: forced), to: "sshd/config")
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

    private static func settings(_ bench: Workbench, hosts: [String], port: UInt16, forced: String) -> String {
        """
        Port \(port)
        \(hosts.map { "ListenAddress \($0)" }.joined(separator: "\n"))
        HostKey \(bench["sshd/host-key"])
        AuthorizedKeysFile \(bench["sshd/user-key.pub"])
        PidFile none
        StrictModes no
        UsePAM no
        PasswordAuthentication no
        KbdInteractiveAuthentication no
        PermitRootLogin yes
        MaxStartups 1000
        LogLevel ERROR
        ForceCommand \(forced)
        \(hosts.map { "Match LocalAddress \($0)\n    SetEnv HOME=\(bench["\($0)/home"])" }.joined(separator: "\n"))

        """
    }

    private static let daemon = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].first(where: exists) ?? "/usr/sbin/sshd"
}
