import Canary
import SlotSync
import Testing

@Suite struct PlaceholdersTests {
    private let web1 = Placeholders(host: "web1", root: "/srv/www", release: "3f2a09bc")

    @Test func areReplacedInEveryText() throws {
        #expect(
            try web1.replaced(in: .host(.log(path: "{root}/log/{host}.{release}", pattern: "{host}")))
                == .host(.log(path: "/srv/www/log/web1.3f2a09bc", pattern: "{host}")))
        #expect(
            try web1.replaced(in: .host(.command("p95 {host} '{root}' {other} ${host}")))
                == .host(.command("p95 web1 '/srv/www' {other} ${host}")))
        #expect(
            try web1.replaced(
                in: .prometheus(url: "http://{host}:9090/{root}", query: #"up{i="{host}",r="{release}"}"#))
                == .prometheus(url: "http://web1:9090/%2Fsrv%2Fwww", query: #"up{i="web1",r="3f2a09bc"}"#))
        #expect(try web1.replaced(in: .host(.cpu)) == .host(.cpu))
    }

    @Test func aValueIsNotReplacedAgain() throws {
        let odd = Placeholders(host: "a", root: "/{host}", release: "b")
        #expect(
            try odd.replaced(in: .host(.log(path: "{root}", pattern: "x")))
                == .host(.log(path: "/{host}", pattern: "x")))
    }

    @Test(arguments: [
        " ", ";", "$(reboot)", "`", "'", "\"", "\\", "\n", "*", "~", "!", "#", "ä", "=", "&", "|", ">", "{", "\0",
    ])
    func nothingThatAShellReadsStandsInACommand(value: String) throws {
        let hostile = Placeholders(host: "web1", root: "/srv/\(value)", release: "b")
        let error = try #require(throws: SlotSyncError.self) { try hostile.replaced(in: .host(.command("ls {root}"))) }
        #expect(error.code == .badInput && error.message.contains("{root}"))
        // Who does not name the root is not troubled by it.
        #expect(try hostile.replaced(in: .host(.command("ls {host}"))) == .host(.command("ls web1")))
    }

    @Test(arguments: ["\"", "'", "`", "\\", "\n", "{", "}", "[", "]", "(", ")"])
    func nothingEndsAPromQLString(value: String) throws {
        let hostile = Placeholders(host: "web1\(value)", root: "/", release: "b")
        let source = MetricSource.prometheus(url: "http://p", query: #"up{i="{host}"}"#)
        #expect(throws: SlotSyncError.self) { try hostile.replaced(in: source) }
    }

    @Test func nothingEndsAPartOfAURL() throws {
        let hostile = Placeholders(host: "a@b/c?d#e%f g", root: "/", release: "b")
        #expect(
            try hostile.replaced(in: .prometheus(url: "http://{host}/", query: "up"))
                == .prometheus(url: "http://a%40b%2Fc%3Fd%23e%25f%20g/", query: "up"))
    }

    @Test func whatIsRefusedIsNamed() throws {
        var settings = CanarySettings()
        settings.metrics = [
            MetricSettings(name: "cpu", source: .host(.cpu)),
            MetricSettings(name: "p95", source: .host(.command("{root}/p95"))),
        ]
        #expect(try web1.sources(of: settings) == [.host(.cpu), .host(.command("/srv/www/p95"))])
        let spaced = Placeholders(host: "web1", root: "/srv/my site", release: "b")
        let error = try #require(throws: SlotSyncError.self) { try spaced.sources(of: settings) }
        #expect(error.message.hasPrefix("metric p95 on web1: {root} is \"/srv/my site\""), "\(error.message)")
    }

    @Test func aLogHasAnAbsolutePath() throws {
        let relative = Placeholders(host: "a", root: "www", release: "b")
        #expect(throws: SlotSyncError.self) { try relative.replaced(in: .host(.log(path: "{root}/l", pattern: "x"))) }
    }
}
