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

    @Test func aLogHasAnAbsolutePath() throws {
        let relative = Placeholders(host: "a", root: "www", release: "b")
        #expect(throws: SlotSyncError.self) { try relative.replaced(in: .log(path: "{root}/l", pattern: "x")) }
    }

    @Test func whatIsRefusedIsNamedWithItsMetric() throws {
        func error(root: String, _ metrics: MetricSettings...) throws -> String {
            let fleet = Fleet(hosts: try HostList.parse("web[1-2]"), root: root, transport: Transport(.local))
            let error = try #require(throws: SlotSyncError.self) {
                try PushSources(fleet: fleet, settings: CanarySettings(metrics: metrics), external: nil)
            }
            return error.message
        }
        let p95 = MetricSettings(name: "p95", source: .host(.command("{root}/p95")))
        let p50 = MetricSettings(name: "p50", source: .host(.command("{root}/p95")))
        #expect(
            try error(root: "/srv/my site", p95, p50).hasPrefix(
                #"metric p95, p50 on web1: {root} is "/srv/my site" here, and ' '"#))
        #expect(
            try error(root: "/srv", MetricSettings(name: "up", source: .external)).hasPrefix(
                "metric up: it does not come from hosts"))
        #expect(
            try error(root: "/srv", MetricSettings(name: "dies", source: .host(.log(path: "/l", pattern: "("))))
                .hasPrefix("metric dies: "))
    }
}
