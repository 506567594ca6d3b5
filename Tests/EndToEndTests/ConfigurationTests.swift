import ArgumentParser
import Foundation
import SlotSync
import SystemPackage
import Testing

@testable import slotsync

@Suite struct ConfigurationTests {
    private func read(_ text: String, file: FilePath = "slotsync.yml") throws -> Configuration {
        try Configuration(parsing: text, file: file)
    }

    @Test func readsEveryKey() throws {
        let configuration = try read(
            """
            # the shop
            hosts:
              - web[01-02].example.com
              - root@db1:2222
            hosts_file: hosts
            except: web02.example.com
            root: /srv/{host}
            transport: ssh
            rsh: ssh -F deploy.conf
            remote_command: /usr/local/bin/slotsync-agent
            slots: 5
            parallel: 64
            timeout: 5m
            max_failures: 10%
            exclude: [.git, "*.log", '!keep.log']
            exclude_from: ../.deployignore
            shared:
              - uploads
            owner: false
            hard_links: true
            xattrs: true
            hooks:
              before_flip: ./warm-up
              after_flip: systemctl reload php
              after_rollback: echo back
            """, file: "deploy/shop.yml")
        var expected = Configuration()
        expected.hosts = try HostSelection("web[01-02].example.com,root@db1:2222")
        expected.except = try HostSelection("web02.example.com")
        expected.hostsFile = "deploy/hosts"
        (expected.hostsPlace, expected.exceptPlace) = (configuration.hostsPlace, configuration.exceptPlace)
        #expect(
            configuration.exceptPlace.hasPrefix("deploy/shop.yml:") && configuration.exceptPlace.hasSuffix(": except"))
        expected.root = "/srv/{host}"
        expected.transport = .ssh
        expected.rsh = "ssh -F deploy.conf"
        expected.remoteCommand = "/usr/local/bin/slotsync-agent"
        expected.slots = 5
        expected.parallel = 64
        expected.timeout = .seconds(300)
        expected.maxFailures = .percent(10)
        expected.exclude = [".git", "*.log", "!keep.log"]
        expected.excludeFrom = "deploy/../.deployignore"
        expected.shared = ["uploads"]
        expected.owner = false
        expected.hardLinks = true
        expected.xattrs = true
        expected.hooks.beforeFlip = "./warm-up"
        expected.hooks.afterFlip = "systemctl reload php"
        expected.hooks.afterRollback = "echo back"
        #expect(configuration == expected)
    }

    @Test(arguments: ["", "# nothing\n", "---\n", "~\n", "{}\n"]) func nothingIsAConfigurationToo(text: String) throws {
        #expect(try read(text) == Configuration())
    }

    @Test func oneTextStandsForAListOfOne() throws {
        #expect(try read("hosts: web[1-2],db1").hosts.hosts().map(\.name) == ["web1", "web2", "db1"])
        #expect(try read("exclude: .git").exclude == [".git"])
    }

    @Test(
        arguments: [
            ("30", 30), ("30s", 30), ("5m", 300), ("1h", 3600), ("24h", 86_400), ("1.5m", 90), ("2500ms", 2.5),
            ("1s", 1),
        ])
    func readsTimes(text: String, seconds: Double) throws {
        #expect(try read("timeout: \(text)").timeout == .seconds(seconds))
    }

    @Test("an option and its key take the same times, shares and sizes")
    func optionsAndKeys() throws {
        for text in ["500ms", "2.5s", "1m", "2h", "30", "0"] {
            let seconds = try JudgeCommand.parse(["--settle", text, "pushes.jsonl"]).settle
            #expect(
                try read("canary: {settle: '\(text)', watch: 0, window: 3h, interval: 1m, baseline: 3m}").canary?.get()
                    .settings
                    .settle == seconds)
        }
        for text in ["0.1%", "0.001"] {
            #expect(try JudgeCommand.parse(["--significance", text, "-"]).significance == 0.001)
            #expect(try read("canary: {significance: \(text)}").canary?.get().settings.significance == 0.001)
        }
        for text in ["0", "0%", "50%", "0.5", "1e-2"] {
            #expect(throws: (any Error).self) { try JudgeCommand.parse(["--significance", text, "-"]) }
            #expect(throws: SlotSyncError.self) { try read("canary: {significance: \(text)}").canary?.get() }
        }
        for text in ["10%", "1000%", "0.1", "0"] {
            let tolerance = try JudgeCommand.parse(["--tolerance", text, "-"]).tolerance
            #expect(try read("canary: {tolerance: \(text)}").canary?.get().settings.tolerance == tolerance)
        }
        #expect(throws: (any Error).self) { try JudgeCommand.parse(["--tolerance", "10", "-"]) }
        for text in ["2500ms", "1.5m", "30"] {
            #expect(try read("timeout: \(text)").timeout == FleetOptions.parse(["--timeout", text]).timeout)
        }
        for text in ["500M", "300MB", "0"] {
            #expect(try read("cache_size: \(text)").cacheSize == StageSettings.parse(["--cache-size", text]).cacheSize)
        }
    }

    @Test func absolutePathsStayAsTheyAre() throws {
        #expect(try read("hosts_file: /etc/hosts.web", file: "/etc/slotsync.yml").hostsFile == "/etc/hosts.web")
        #expect(try read("hosts_file: web").hostsFile == "web")
    }

    static let mistakes: [(String, [String])] = [
        ("root: /srv\nhostz: a", ["slotsync.yml:2: ", #""hostz""#, "did you mean hosts?"]),
        ("hosts-file: a", ["slotsync.yml:1: ", "did you mean hosts_file?"]),
        ("hooks:\n  afterflip: x", ["slotsync.yml:2: ", "hooks", "did you mean after_flip?"]),
        ("\nslots: ten", ["slotsync.yml:2: slots: ", "a number from 2 to 9", #""ten""#]),
        ("slots: 10", ["a number from 2 to 9"]),
        ("slots: [1]", ["found a list"]),
        ("parallel: 0", ["a number from 1"]),
        ("root:", ["expected text, found nothing"]),
        ("root: [a]", ["expected text, found a list"]),
        ("hooks: x", ["hooks: ", "keys with values"]),
        ("- a", ["slotsync.yml:1: ", "found a list"]),
        ("timeout: 5 minutes", ["30s or 5m"]),
        ("timeout: 0", ["30s or 5m"]),
        ("timeout: 25h", ["30s or 5m"]),
        ("timeout: 999ms", ["from 1s"]),
        ("max_failures: 101%", ["percentage"]),
        ("max_failures: -1", ["percentage"]),
        ("transport: rsh", ["ssh or local", #""rsh""#]),
        ("hosts:\n- web1\n- web[2-1]", ["slotsync.yml:3: hosts: ", "runs backwards"]),
        ("hosts: [web1, web1]", ["hosts: ", "more than once"]),
        ("hosts: []", ["hosts: ", "empty"]),
        ("exclude:\n- *.log", ["slotsync.yml:2:4: ", "quotes"]),
        ("root: a\nroot: b", ["slotsync.yml:1:1: ", "more than one key", #""root""#]),
        ("a: b: c", ["slotsync.yml:1:5: a colon cannot stand here", "The line is \"a: b: c\""]),
        ("root: \"x", ["slotsync.yml:1:7: ", "has no end"]),
        ("root: a\n---\nroot: b", ["slotsync.yml:", "second document"]),
    ]

    @Test(arguments: mistakes) func aMistakeIsNamed(text: String, parts: [String]) throws {
        let error = try #require(throws: SlotSyncError.self) { try read(text) }
        #expect(error.code == .badInput)
        for part in parts { #expect(error.message.contains(part), "\(error.message)") }
    }

    static let stageMistakes: [(String, [String])] = [
        ("owner: maybe", ["true or false", #""maybe""#]),
        ("owner:\n  x: 1", ["slotsync.yml:1: owner: ", "true or false", "found keys with values"]),
        ("shared:\n- a\n- {b: c}", ["slotsync.yml:3: shared: ", "found keys with values"]),
        ("exclude:\n- a\n- '[b'", ["slotsync.yml:3: exclude: ", "not closed"]),
        ("exclude:\n- !keep.log", ["slotsync.yml:2: exclude: ", "quotes"]),
        ("exclude: ./.git\nchmod: x", ["slotsync.yml:1: exclude: "]),
    ]

    @Test(arguments: stageMistakes) func aMistakeInWhatStagesGoByIsNamedToThem(text: String, parts: [String]) throws {
        let configuration = try read(text)
        let error = try #require(throws: ValidationError.self) { try configuration.checkForStage() }
        for part in parts { #expect(error.message.contains(part), "\(error.message)") }
    }

    @Test func aConfigurationThatWasNamedHasToBeThere() throws {
        let error = try #require(throws: SlotSyncError.self) { try Configuration.load(named: "/nonexistent/x.yml") }
        #expect(error.message.contains("/nonexistent/x.yml"))
    }

    @Test(arguments: ["README.md", "docs/operations.md"]) func theExamplesInTheDocumentsAreRead(document: String) throws
    {
        let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let text = try String(contentsOf: top.appending(path: document), encoding: .utf8)
        let examples = text.matches(of: /(?s)```yaml\n(.*?)```/)
        #expect(!examples.isEmpty)
        for example in examples { #expect(try read(String(example.1)) != Configuration()) }
    }
}
