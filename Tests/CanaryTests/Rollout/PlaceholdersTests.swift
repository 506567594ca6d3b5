import SlotSync
import Testing

@testable import Canary

@Suite struct PlaceholdersTests {
    private let web1 = Placeholders(host: "web1", root: "/srv/www", release: "3f2a09bc")

    @Test func areReplacedInPathsAndCommands() throws {
        #expect(
            try web1.replaced(in: .log(path: "{root}/log/{host}.{release}", pattern: "{host}"))
                == .log(path: "/srv/www/log/web1.3f2a09bc", pattern: "{host}"))
        #expect(
            try web1.replaced(in: .command("p95 {host} '{root}' {other} ${host}"))
                == .command("p95 web1 '/srv/www' {other} ${host}"))
        #expect(try web1.replaced(in: .cpu) == .cpu)
    }

    @Test func aQueryKeepsTheHost() throws {
        func replaced(_ query: String, root: String = "/srv/www") throws -> String {
            try Placeholders.replaced(inQuery: query, root: root, release: "3f2a09bc")
        }
        #expect(
            try replaced(#"up{i="{host}",d="{root}",r="{release}"}"#)
                == #"up{i="{host}",d="/srv/www",r="3f2a09bc"}"#)
        #expect(try replaced(#"up{d="{root}"}"#, root: "/srv/{host}/www") == #"up{d="/srv/{host}/www"}"#)
    }

    @Test func aValueIsNotReplacedAgain() throws {
        let odd = Placeholders(host: "a", root: "/{host}", release: "b")
        #expect(try odd.replaced(in: .log(path: "{root}", pattern: "x")) == .log(path: "/{host}", pattern: "x"))
    }

    @Test(arguments: [
        " ", ";", "$(reboot)", "`", "'", "\"", "\\", "\n", "*", "~", "!", "#", "ä", "=", "&", "|", ">", "{", "\0",
    ])
    func nothingThatAShellReadsStandsInACommand(value: String) throws {
        let hostile = Placeholders(host: "web1", root: "/srv/\(value)", release: "b")
        let error = try #require(throws: SlotSyncError.self) { try hostile.replaced(in: .command("ls {root}")) }
        #expect(error.code == .badInput && error.message.contains("{root}"))
        // Who does not name the root is not troubled by it.
        #expect(try hostile.replaced(in: .command("ls {host}")) == .command("ls web1"))
    }

    @Test(arguments: ["\"", "'", "`", "\\", "\n", "{", "}", "[", "]", "(", ")", "{host", "{root}", "{release}"])
    func nothingEndsAPromQLString(value: String) throws {
        for root in ["/srv/\(value)", "/srv/{host}/\(value)", "\(value){host}"] {
            #expect(throws: SlotSyncError.self) {
                try Placeholders.replaced(inQuery: #"up{d="{root}"}"#, root: root, release: "b")
            }
        }
        #expect(try Placeholders.replaced(inQuery: "up", root: value, release: "b") == "up")
    }

    @Test func aLogHasAnAbsolutePath() throws {
        let relative = Placeholders(host: "a", root: "www", release: "b")
        #expect(throws: SlotSyncError.self) { try relative.replaced(in: .log(path: "{root}/l", pattern: "x")) }
    }

    @Test func whatIsRefusedIsNamedWithItsMetric() throws {
        func error(root: String, _ metrics: MetricSettings...) throws -> String {
            let fleet = Fleet(hosts: try HostList.parse("web[1-2]"), root: root, transport: Transport(.local))
            let error = try #require(throws: SlotSyncError.self) {
                try PushSources(fleet: fleet, settings: CanarySettings(metrics: metrics), transport: nil)
            }
            return error.message
        }
        let p95 = MetricSettings(name: "p95", source: .host(.command("{root}/p95")))
        let p50 = MetricSettings(name: "p50", source: .host(.command("{root}/p95")))
        let up = MetricSettings(
            name: "up", source: .prometheus(url: "http://p", query: #"up{i="{host}",d="{root}"}"#))
        #expect(
            try error(root: "/srv/my site", p95, p50).hasPrefix(
                #"metric p95, p50 on web1: {root} is "/srv/my site" here, and ' '"#))
        #expect(try error(root: "/srv/(1)", up).hasPrefix(#"metric up: {root} is "/srv/(1)" here, and '('"#))
        #expect(
            try error(root: "/srv", MetricSettings(name: "dies", source: .host(.log(path: "/l", pattern: "("))))
                .hasPrefix("metric dies: "))
    }
}
