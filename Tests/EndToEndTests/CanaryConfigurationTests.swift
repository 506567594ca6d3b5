import ArgumentParser
import Canary
import CanaryPrometheus
import SlotSync
import Testing

@testable import slotsync

@Suite struct CanaryConfigurationTests {
    private func section(_ text: String) throws -> CanarySection? {
        try Configuration(parsing: text, file: "slotsync.yml").canary?.get()
    }

    private func read(_ text: String) throws -> CanarySettings? { try section(text)?.settings }

    @Test func withoutTheSectionThereIsNoCanary() throws {
        #expect(try read("root: /srv") == nil)
    }

    @Test func whatIsLeftOutIsTheDefault() throws {
        #expect(try read("canary: {}") == CanarySettings())
        let settings = try #require(try read("canary: {hosts: 3}"))
        #expect(settings == CanarySettings(hosts: .portion(.count(3))))
    }

    @Test func readsEveryKey() throws {
        let section = try section(
            """
            canary:
              hosts: 2.5%
              phases: [10, 50%]
              hold_back: 4
              baseline: 2m
              window: 90s
              settle: 0
              interval: 500ms
              watch: 10m
              significance: 0.05
              tolerance: 15%
              on_inconclusive: continue
              metrics:
                - {name: load, source: loadavg}
                - {name: cpu, source: cpu, kind: counter}
                - {name: errors, source: log, path: "{root}/log", match: "Fatal|Parse", critical: true, tolerance: 0}
                - name: p95_ms
                  source: command
                  run: /usr/local/bin/p95
                  worse: lower
                  tolerance: 0.05
                  weight: 2
                - {name: http, source: prometheus, url: "http://p:9090", query: 'up{instance="{host}"}'}
            """)
        let expected = CanarySettings(
            hosts: .portion(.percent(2.5)), phases: [.count(10), .percent(50)], holdBack: .count(4), baseline: 120,
            window: 90, settle: 0, interval: 0.5, watch: 600, significance: 0.05, tolerance: 0.15,
            onInconclusive: .proceed,
            metrics: [
                MetricSettings(name: "load", source: .host(.loadAverage)),
                MetricSettings(name: "cpu", source: .host(.cpu), kind: .counter),
                MetricSettings(
                    name: "errors", source: .host(.log(path: "{root}/log", pattern: "Fatal|Parse")), kind: .counter,
                    tolerance: 0, isCritical: true),
                MetricSettings(
                    name: "p95_ms", source: .host(.command("/usr/local/bin/p95")), kind: .gauge, worse: .lower,
                    tolerance: 0.05, weight: 2),
                MetricSettings(name: "http", source: .external, kind: .gauge),
            ])
        #expect(section?.settings == expected)
        #expect(
            try section?.queries == [
                "http": PrometheusQuery(url: "http://p:9090", query: #"up{instance="{host}"}"#)
            ])
    }

    @Test func canariesCanBeNamed() throws {
        let hosts = try HostList.parse("web1,web2,db1:2222")
        #expect(try read("canary: {hosts: ['web[1-2]', 'db1:2222']}")?.hosts == .list(hosts))
        #expect(try read("canary: {hosts: 'web1,web2,db1:2222'}")?.hosts == .list(hosts))
    }

    static let mistakes: [(String, [String])] = [
        ("canary: 5%", ["slotsync.yml:1: canary: ", "expected keys with values"]),
        ("canary:\n  hostz: 3", ["slotsync.yml:2: ", #"unknown key "hostz""#, "did you mean hosts?"]),
        ("canary:\n  hosts: 0", ["slotsync.yml:2: canary.hosts: ", "at least one host"]),
        ("canary:\n  hosts: 101%", ["slotsync.yml:2: canary.hosts: ", "host"]),
        ("canary:\n  hosts: []", ["slotsync.yml:2: canary.hosts: ", "empty"]),
        ("canary:\n  phases: [10%, 5%]", ["slotsync.yml:2: canary.phases: ", "larger"]),
        ("canary:\n  phases: [3%]", ["slotsync.yml:2: canary.phases: ", "3% after 5%"]),
        ("canary:\n  phases:\n  - 10%\n  - lots", ["slotsync.yml:4: canary.phases: ", #""lots""#]),
        ("canary:\n  window: 20s", ["slotsync.yml:2: canary.window: ", "make it 25 s or longer"]),
        ("canary:\n  settle: 50s", ["slotsync.yml:1: canary: window: ", "make it 1 min 5 s or longer"]),
        ("canary:\n  baseline: 10s", ["slotsync.yml:2: canary.baseline: ", "make it 15 s or longer"]),
        ("canary:\n  interval: 10ms", ["slotsync.yml:2: canary.interval: ", "100 ms"]),
        ("canary:\n  interval: 5 s", ["slotsync.yml:2: canary.interval: ", "500ms"]),
        ("canary:\n  watch: 20s", ["slotsync.yml:2: canary.watch: ", "or 0 for no watch"]),
        ("canary:\n  window: 26s\n  settle: 11s", ["slotsync.yml:2: canary.window: ", "make it 30 s or longer"]),
        (
            "canary:\n  watch: 29s\n  metrics:\n  - {name: errors, source: log, path: /l, match: x}",
            ["slotsync.yml:2: canary.watch: ", "\"errors\"", "make it 30 s or longer"]
        ),
        ("canary:\n  watch: 0\n  hold_back: 3", ["slotsync.yml:3: canary.hold_back: ", "watch"]),
        ("canary:\n  window: 23h", ["canary.window: ", "sample less often"]),
        ("canary:\n  significance: 0.5", ["slotsync.yml:2: canary.significance: ", "0.5"]),
        ("canary:\n  significance: 1e-2", ["slotsync.yml:2: canary.significance: ", "between 0 and 0.5"]),
        ("canary:\n  tolerance: 10", ["slotsync.yml:2: canary.tolerance: ", "10% or 0.1"]),
        ("canary:\n  on_inconclusive: pass", ["slotsync.yml:2: ", "rollback or continue or ask"]),
        ("canary:\n  metrics:\n  - load", ["slotsync.yml:3: canary.metrics: ", "expected keys"]),
        ("canary:\n  metrics:\n  - {name: load}", ["slotsync.yml:3: ", "needs the key source"]),
        ("canary:\n  metrics:\n  - {source: cpu}", ["slotsync.yml:3: ", "needs the key name"]),
        ("canary:\n  metrics:\n  - {name: a, source: logs}", ["slotsync.yml:3: ", "loadavg or cpu or log"]),
        (
            "canary:\n  metrics:\n  - {name: a, source: log, path: /l}",
            ["slotsync.yml:3: ", "source log needs the key match"]
        ),
        (
            "canary:\n  metrics:\n  - name: a\n    source: cpu\n    run: x",
            ["slotsync.yml:5: canary.metrics.run: ", "source cpu has no such key"]
        ),
        (
            "canary:\n  metrics:\n  - {name: a, source: cpu}\n  - {name: a, source: loadavg}",
            ["slotsync.yml:4: canary.metrics: ", "is there already"]
        ),
        ("canary:\n  metrics:\n  - {name: 'a b', source: cpu}", ["slotsync.yml:3: ", "without white space"]),
        ("canary:\n  metrics:\n  - {name: a, source: cpu, weight: 0}", ["slotsync.yml:3: ", "weight"]),
        ("canary:\n  metrics:\n  - {name: a, source: log, path: l, match: x}", ["slotsync.yml:3: ", "absolute"]),
        ("canary:\n  metrics:\n  - {name: a, source: prometheus, url: p, query: up}", ["slotsync.yml:3: ", "http://"]),
        (
            "canary:\n  metrics:\n  - {name: a, source: prometheus, url: 'http://p', query: 'up{i={host}}'}",
            ["slotsync.yml:3: ", #""a": query "#, "in quotes"]
        ),
    ]

    @Test(arguments: mistakes) func aMistakeIsNamed(text: String, parts: [String]) throws {
        let error = try #require(throws: SlotSyncError.self) { try read(text) }
        #expect(error.code == .badInput)
        for part in parts { #expect(error.message.contains(part), "\(error.message)") }
    }

    // MARK: Placeholders

    private func metric(_ source: String) throws -> CanarySettings? {
        try read("canary:\n  metrics:\n  - name: a\n\(source.split(separator: "|").map { "    \($0)\n" }.joined())")
    }

    @Test(arguments: [
        (
            "source: command|run: 'p95 {hots}'",
            "5: canary.metrics.run: {hots} is replaced by nothing; did you mean {host}?"
        ),
        ("source: command|run: 'p95 {Root}'", "{Root} is replaced by nothing; did you mean {root}?"),
        ("source: command|run: 'p95 {releas} {host}'", "did you mean {release}?"),
        ("source: log|match: x|path: '/log/{hosts}'", "6: canary.metrics.path: {hosts} is replaced by nothing"),
        (
            "source: prometheus|url: 'http://p'|query: 'up{i=\"{hsot}\"}'",
            "canary.metrics.query: {hsot} is replaced by nothing"
        ),
        (
            "source: prometheus|query: up|url: 'http://{host}:9090'",
            "6: canary.metrics.url: {host} is not replaced here"
        ),
        ("source: log|path: /l|match: 'on {host}'", "canary.metrics.match: {host} is not replaced here"),
        (
            "source: log|match: x|path: '${root}/log'",
            "6: canary.metrics.path: ${root} is a variable of a shell's, and no shell reads this: write {root}"
        ),
        (
            "source: prometheus|url: 'http://p'|query: 'up{i=\"${HOST}\",r=\"{release}\"}'",
            "6: canary.metrics.query: ${HOST} is a variable of a shell's, and no shell reads this: write {host}"
        ),
        (
            "source: prometheus|query: up|url: 'http://${Host}:9090'",
            "6: canary.metrics.url: ${Host} is a variable of a shell's, and no shell reads this: write it out"
        ),
        (
            "source: log|path: /l|match: 'on ${release}'",
            "canary.metrics.match: ${release} is a variable of a shell's, and no shell reads this: write it out"
        ),
    ]) func aPlaceholderThatWouldNotBeReplacedIsNamed(source: String, message: String) throws {
        let error = try #require(throws: SlotSyncError.self) { try metric(source) }
        #expect(error.message.contains(message), "\(error.message)")
    }

    @Test(arguments: [
        "source: command|run: \"awk '{print}' {root}/log\"",
        "source: command|run: '{ cat {a,b}; echo ${hots} ${host}; }'",
        "source: command|run: 'echo {1..3} {boot} {post} {x}'",
        "source: command|run: 'echo ${HOST} ${Root} ${release}'",
        "source: log|path: '/l/${hots}'|match: 'end${2} ${hosts}'",
        "source: log|path: '/log/x'|match: 'a{2} {id} {hots}'",
        "source: prometheus|url: 'http://p'|query: 'up{job=\"a\",route=~\"/blog/{post}/{id}/.{3}\",i=\"{host}\"}'",
    ]) func otherBracesAreLeftAlone(source: String) throws {
        #expect(try metric(source)?.metrics.count == 1)
    }

    // MARK: Who checks what

    @Test(arguments: ["hosts: 500%", "window: 1s", "metrics: [{name: a, source: b}]"])
    func aWrongValueIsTheBusinessOfThoseWhoUseIt(line: String) throws {
        let configuration = try Configuration(parsing: "root: /srv\ncanary:\n  \(line)", file: "slotsync.yml")
        #expect(configuration.root == "/srv")
        let error = try #require(throws: ValidationError.self) { try configuration.canarySection() }
        #expect(error.message.hasPrefix("slotsync.yml:3: canary."), "\(error.message)")
    }

    @Test(arguments: ["hostz: 3", "metrics: [{nam: a}]", "metrics: [load]", "hosts: [", "hosts: 1\n  hosts: 2"])
    func whatIsNoSectionIsAnErrorForAll(line: String) throws {
        #expect(throws: SlotSyncError.self) {
            try Configuration(parsing: "root: /srv\ncanary:\n  \(line)", file: "slotsync.yml")
        }
    }
}
