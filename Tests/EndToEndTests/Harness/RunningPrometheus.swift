// Runs Debian's Prometheus server, with a port and a storage of its own. It scrapes one page of metrics many times a
// second; the test decides what the page says.

import Foundation
import Synchronization
import Testing

struct RunningPrometheus: Sendable {
    let url: String
    private let page: Page

    /// Whether Prometheus can be run here. Where continuous integration runs it has to be: there nothing is skipped.
    static let isAvailable: Bool =
        ProcessInfo.processInfo.environment["CI"] != nil
        || (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
            access("\($0)/prometheus", X_OK) == 0
        }
    static let reason: Comment = "prometheus is not installed, and could not be: see scripts/dependencies"

    private final class Page: Sendable {
        let text: Mutex<String>
        let scrapes = Mutex(0)
        init(_ text: String) { self.text = Mutex(text) }
    }

    /// The server that a suite's tests share, see ``SharedPrometheus``.
    @TaskLocal static var shared: RunningPrometheus?

    /// Runs `body` while a server is up.
    ///
    /// - Parameters:
    ///   - port: Where it listens; a free one unless it is said.
    ///   - web: The server's web configuration (certificate, users), with the URL's scheme and user.
    static func use(
        _ bench: Workbench, port: UInt16? = nil, web: (file: String, prefix: String)? = nil,
        _ body: (RunningPrometheus) async throws -> Void
    ) async throws {
        let page = Page("")
        try await ScriptedServer.use { _ in
            page.scrapes.withLock { $0 += 1 }
            return .page(page.text.withLock { $0 }, headers: ["Content-Type: text/plain; version=0.0.4"])
        } _: { target in
            let port = try port ?? Loopback.freePort()
            let server = RunningPrometheus(url: "\(web?.prefix ?? "http://")127.0.0.1:\(port)", page: page)
            try await server.run(bench, port, target.port, web?.file, body)
        }
    }

    private func run(
        _ bench: Workbench, _ port: UInt16, _ target: UInt16, _ web: String?,
        _ body: (RunningPrometheus) async throws -> Void
    ) async throws {
        try bench.write(
            """
            global: { scrape_interval: 200ms, scrape_timeout: 200ms }
            scrape_configs:
              - job_name: test
                honor_labels: true
                static_configs: [{ targets: ["127.0.0.1:\(target)"] }]

            """, to: "prometheus.yml")
        let outcome = try await Program.run(
            [
                "prometheus", "--config.file=\(bench["prometheus.yml"])",
                "--storage.tsdb.path=\(bench["prometheus-\(port)"])", "--web.listen-address=127.0.0.1:\(port)",
                "--log.level=warn",
            ] + (web.map { ["--web.config.file=\($0)"] } ?? []),
            timeout: .seconds(300)
        ) { process in
            try await eventually("prometheus does not listen") { try Loopback.accepts(port) }
            try await body(self)
            process.killGroup()
        }
        try #require(outcome.exitCode == nil, "\(outcome)")
    }

    /// Puts other metrics on the page, and waits until they were scraped.
    func show(_ metrics: String) async throws {
        page.text.withLock { $0 = metrics }
        try await scraped()
    }

    /// Waits until the page as it stands is in the storage: the scrape before has ended when the next one begins.
    private func scraped() async throws {
        let before = page.scrapes.withLock { $0 }
        try await eventually("prometheus does not scrape") { page.scrapes.withLock { $0 } >= before + 3 }
    }
}

/// One server for all tests of a suite, since it takes Prometheus five seconds to begin to scrape.
struct SharedPrometheus: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing tests: @Sendable () async throws -> Void
    ) async throws {
        try await Workbench.use { bench in
            try await RunningPrometheus.use(bench) { server in
                try await RunningPrometheus.$shared.withValue(server, operation: tests)
            }
        }
    }
}

extension Trait where Self == SharedPrometheus {
    static var sharedPrometheus: Self { Self() }
}
