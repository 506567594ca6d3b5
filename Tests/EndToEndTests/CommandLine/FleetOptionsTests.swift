// What the options and the configuration come to together.

import ArgumentParser
import Foundation
@testable import SlotSync
import SystemPackage
import Testing

@testable import slotsync

@Suite("Options and configuration")
struct FleetOptionsTests {
    private func settled(
        _ arguments: String..., configuration: String = "", needsRoot: Bool = true
    ) throws -> FleetOptions.Settled {
        let file = FileManager.default.temporaryDirectory.appending(path: "slotsync-\(UUID()).yml").path
        try configuration.write(toFile: file, atomically: true, encoding: .utf8)
        defer { unlink(file) }
        return try FleetOptions.parse(arguments + ["--config", file]).settled(needsRoot: needsRoot)
    }

    private let everything = """
        hosts: web[1-2]
        root: /srv/{host}
        transport: local
        remote_command: /opt/agent
        parallel: 7
        timeout: 5m
        slots: 3
        max_failures: 10%
        exclude: ["*.log"]
        shared: uploads
        owner: true
        xattrs: true
        hooks: {after_flip: reload}
        """

    @Test("the configuration stands in for options that are not given")
    func configurationAlone() throws {
        let fleet = try settled(configuration: everything).fleet
        #expect(fleet.hosts.map(\.name) == ["web1", "web2"])
        #expect(fleet.root == "/srv/{host}")
        #expect(fleet.transport == Transport(.local, remoteCommand: "/opt/agent"))
        #expect(fleet.parallelism == 7)
        #expect(fleet.timeout == .seconds(300))
    }

    @Test("the command line wins, and its hosts replace those of the configuration")
    func commandLineWins() throws {
        let fleet = try settled(
            "--hosts", "db1,db2", "--hosts", "db3", "--root", "/srv/db", "--transport", "ssh", "--rsh", "ssh -v",
            "--parallel", "9", "--timeout", "30s", configuration: everything
        ).fleet
        #expect(fleet.hosts.map(\.name) == ["db1", "db2", "db3"])
        #expect(fleet.root == "/srv/db")
        #expect(fleet.transport == Transport(.ssh, remoteShell: "ssh -v", remoteCommand: "/opt/agent"))
        #expect(fleet.parallelism == 9)
        #expect(fleet.timeout == .seconds(30))
    }

    @Test("hosts are left out by ! and --except, and those of the configuration of its own hosts alone")
    func except() throws {
        func names(_ arguments: String..., configuration: String) throws -> [String] {
            var all = arguments + ["--root", "/srv"]
            let file = FileManager.default.temporaryDirectory.appending(path: "slotsync-\(UUID()).yml").path
            try configuration.write(toFile: file, atomically: true, encoding: .utf8)
            defer { unlink(file) }
            all += ["--config", file]
            return try FleetOptions.parse(all).settled().fleet.hosts.map(\.name)
        }
        let file = "hosts: [\"web[1-5]\", \"!web5\"]\nexcept: [web1]"
        #expect(try names(configuration: file) == ["web2", "web3", "web4"])
        #expect(try names("--except", "WEB3.", configuration: file) == ["web2", "web4"])
        #expect(try names("--hosts", "web1", configuration: file) == ["web1"])
        #expect(throws: ValidationError.self) { try names("--except", "web9", configuration: file) }
        #expect(throws: ValidationError.self) { try names("--hosts", "web[1-2],!web[1-2]", configuration: file) }
    }

    @Test("another command is told to be typed with the same options, each host with its user and port")
    func words() throws {
        let fleet = try settled(
            "--hosts", "deploy@web[1-2],web3:2222", "--root", "/srv/{host}", "--transport", "ssh", "--parallel", "3",
            configuration: everything
        ).fleet
        let typed = fleet.words.command("rollback", "--to", "v 1", on: fleet.hosts)
        #expect(
            typed.hasPrefix(
                "slotsync rollback --to 'v 1' --hosts 'deploy@web[1-2],web3:2222' --root '/srv/{host}' --transport ssh "
                    + "--parallel 3 --config "), "\(typed)")
        #expect(fleet.words.command("status").contains(" --hosts 'deploy@web[1-2],web3:2222' "))
        let told = fleet.words.completing("owed: `slotsync flip abc` runs it", on: [fleet.hosts[2]])
        #expect(told.hasPrefix("owed: `slotsync flip abc --hosts web3:2222 --root ") && told.hasSuffix("` runs it"))
        #expect(
            fleet.words.completing("go back with `slotsync rollback`, or", on: [fleet.hosts[2]]).hasPrefix(
                "go back with `slotsync rollback --hosts web3:2222 --root "))
        for text in [
            "`slotsync status` shows it", "`slotsync push` would", "`slotsync flip", "`slotsync flip x --hosts h1`",
            "a ` b",
        ] {
            #expect(fleet.words.completing(text, on: fleet.hosts) == text)
        }
    }

    @Test("the words of --rsh stay what they are where one of them begins with ~")
    func homesInRemoteShell() throws {
        let shell = try settled(
            "--hosts", "h1", "--root", "/srv", "--rsh", #"ssh -F ~/conf -l DOM\eva -o "it's" 'a "b" c' '' !x"#
        ).fleet.transport.remoteShell
        let words = try ShellWords.split(try #require(shell))
        #expect(words[2].hasSuffix("/conf") && !words[2].hasPrefix("~"))
        #expect(words[3...] == ["-l", #"DOM\eva"#, "-o", "it's", #"a "b" c"#, "", "!x"], "\(words)")
    }

    @Test("~ in --except-file is a home, as in --hosts-file")
    func exceptFile() throws {
        let parsed = try FleetOptions.parse(["--except-file", "~/spared"])
        #expect(parsed.exceptFile?.hasSuffix("/spared") == true && parsed.exceptFile?.hasPrefix("~") == false)
    }

    @Test("a host in two lists is named twice")
    func twice() {
        #expect(throws: (any Error).self) { try settled("--hosts", "h1", "--hosts", "h[1-2]", "--root", "/srv") }
    }

    @Test("hosts on this machine need roots of their own")
    func localRoots() throws {
        let two = ["--hosts", "h[1-2]", "--transport", "local"]
        #expect(throws: ValidationError.self) {
            try settled(two[0], two[1], two[2], two[3], "--root", "/srv/www")
        }
        #expect(try settled(two[0], two[1], two[2], two[3], "--root", "/srv/{host}").fleet.hosts.count == 2)
        #expect(try settled("--hosts", "h1", "--transport", "local", "--root", "/srv").fleet.hosts.count == 1)
    }

    @Test("a command that leaves rings alone needs no root")
    func noRoot() throws {
        #expect(try settled("--hosts", "h1", needsRoot: false).fleet.root == "")
        #expect(throws: (any Error).self) { try settled("--hosts", "h1") }
    }

    @Test("--quiet and --verbose contradict each other")
    func contradiction() {
        #expect(throws: (any Error).self) { try FleetOptions.parse(["--quiet", "--verbose"]) }
    }

    @Test("stage takes its settings from both, and the command line's patterns come last")
    func stage() throws {
        let configuration = try settled(configuration: everything).configuration
        let settings = try StageSettings.parse([
            "--exclude", "!keep.log", "--no-owner", "--no-xattrs", "--shared", "a", "--name", "v1",
        ])
        let options = try settings.options(configuration, slots: nil)
        #expect(options.name == "v1")
        #expect(options.exclusions.excludes(path: Array("a.log".utf8), isDirectory: false))
        #expect(!options.exclusions.excludes(path: Array("keep.log".utf8), isDirectory: false))
        #expect(options.shared == ["uploads", "a"])
        #expect(!options.ownership && !options.extendedAttributes)
        #expect(options.slots == 3)
        #expect(try StageSettings.parse([]).options(configuration, slots: 4).ownership)
        #expect(try StageSettings.parse([]).options(configuration, slots: 4).extendedAttributes)
        #expect(try StageSettings.parse(["--xattrs"]).options(Configuration(), slots: 4).extendedAttributes)
        #expect(try StageSettings.parse([]).options(configuration, slots: 4).slots == 4)
    }

    @Test("flip takes its allowance from either, and the hooks")
    func flip() throws {
        let configuration = try settled(configuration: everything).configuration
        #expect(try FlipSettings.parse([]).options(configuration).maxFailures == .percent(10))
        #expect(try FlipSettings.parse(["--max-failures", "2"]).options(configuration).maxFailures == .count(2))
        #expect(try FlipSettings.parse([]).options(configuration).hooks == Hooks(afterFlip: "reload"))
        #expect(try FlipSettings.parse([]).options(Configuration()).maxFailures == .none)
        #expect(throws: (any Error).self) { try FlipSettings.parse(["--max-failures", "101%"]) }
    }
}
