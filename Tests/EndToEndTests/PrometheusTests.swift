// Metrics from a Prometheus server, through the command's own HTTP client: what a real server says, and what a server says
// that means harm.

import Canary
import Foundation
import SlotSync
import Synchronization
import Testing

@testable import CanaryPrometheus

extension FleetEndToEnd {
    @Suite("Prometheus", .enabled(if: RunningPrometheus.isAvailable, RunningPrometheus.reason), .sharedPrometheus)
    struct PrometheusTests {
        @Test("300 hosts are asked for in a few requests, and each gets its own value")
        func manyHosts() async throws {
            let hosts = try HostList.parse("web[000-299].example.com")
            let metrics = hosts.enumerated().map { place, host in
                """
                errors_total{instance="\(host.name):9100",code="500"} \(place)
                errors_total{instance="\(host.name):9100",code="502"} 1000

                """
            }
            try await onServer(metrics.joined()) { prometheus in
                let client = CountingClient(try PrometheusClient())
                let sampler = try sampler(
                    prometheus, hosts,
                    [
                        #"sum(errors_total{code=~"5..",instance="{host}:9100"}) # of one host"#,
                        #"sum by (instance) (errors_total{code=~"5.."})"#,
                        #"sum(errors_total{instance=~"{host}:.*"}) > 1099"#,
                    ], client)
                let sample = await sampler.ask(within: .seconds(40))
                let expected = hosts.indices.map { Double(1_000 + $0) }
                #expect(sample.readings[0].map(\.sample) == expected)
                #expect(sample.readings[1].map(\.sample) == expected)
                #expect(sample.readings[2].filter { $0.kind == .noSeries }.count == 100)
                #expect(sample.readings[2][100...].map(\.sample) == Array(expected[100...]))
                #expect(sample.notices.count == 1 && sample.notices[0].contains("web[000-099].example.com"))
                #expect(client.calls.withLock { $0 } <= 3 + 1 + 3)
            }
        }

        @Test("a sample that does not come is missing, never zero")
        func missing() async throws {
            let metrics = """
                level{instance="h1"} 0
                level{instance="h2"} NaN
                level{instance="h3"} +Inf
                level{instance="h4",code="500"} 1
                level{instance="h4",code="502"} 2
                level{instance="stranger"} 9

                """
            try await onServer(metrics) { prometheus in
                let hosts = try HostList.parse("h[1-5]")
                let sampler = try sampler(
                    prometheus, hosts,
                    [
                        #"level{instance="{host}"}"#, "level", #"rate(level{instance="{host}",code="x"}[30s])"#,
                        #"sum(level{instance="{host}"}) or vector(0)"#,
                    ])
                let readings = await sampler.ask(within: .seconds(40)).readings
                for named in readings[..<2] {
                    #expect(named[0] == .value(0))
                    #expect(
                        named[1...].map(\.kind) == [.notANumber, .notANumber, .severalSeries, .noSeries])
                }
                #expect(readings[2].allSatisfy { $0.kind == .noSeries })
                #expect(readings[3][3] == .value(3) && readings[3][4] == .value(0))
                // A host that is scraped no more has no value, though the server still keeps the old one.
                try await prometheus.show(metrics.replacing(#"level{instance="h1"} 0"#, with: ""))
                #expect(await sampler.ask(within: .seconds(40)).readings[0][0].kind == .noSeries)
            }
        }

        @Test("what the server takes for one host but not for all is asked host by host")
        func aloneWhereItMustBe() async throws {
            let metrics = (1...20).map { "level{instance=\"h\($0)\"} \($0)\n" }.joined()
            try await onServer(metrics) { prometheus in
                let client = CountingClient(try PrometheusClient())
                let sampler = try sampler(
                    prometheus, try HostList.parse("h[1-20]"), [#"scalar(level{instance="{host}"})"#], client)
                for _ in 0..<2 {
                    let sample = await sampler.ask(within: .seconds(40))
                    #expect(sample.readings[0].map(\.sample) == (1...20).map(Double.init))
                    #expect(sample.notices == [])
                }
                // The first time one request shows that it has to be so.
                #expect(client.calls.withLock { $0 } == 1 + 20 + 20)
            }
        }

        @Test("one host's broken data leave the others their values")
        func oneBrokenHost() async throws {
            let metrics = """
                a{instance="h1"} 1
                b{instance="h1"} 5
                a{instance="h2"} 1
                b{instance="h2",x="1"} 5
                b{instance="h2",x="2"} 5

                """
            try await onServer(metrics) { prometheus in
                let sampler = try sampler(
                    prometheus, try HostList.parse("h[1-2]"),
                    [#"a{instance="{host}"} * on(instance) b{instance="{host}"}"#])
                let sample = await sampler.ask(within: .seconds(40))
                #expect(sample.readings[0][0] == .value(5))
                #expect(sample.readings[0][1].kind == .refused)
                #expect(sample.notices.count == 1 && sample.notices[0].contains("execution"))
            }
        }

        @Test("an error in the query is told once, in the server's words")
        func wrongQuery() async throws {
            try await onServer("") { prometheus in
                let sampler = try sampler(
                    prometheus, try HostList.parse("h[1-3]"), [#"sum((up{instance="{host}"}"#, "up["])
                let sample = await sampler.ask(within: .seconds(40))
                #expect(sample.readings.joined().allSatisfy { $0.kind == .refused })
                #expect(sample.notices.count == 2)
                #expect(sample.notices[0].contains("unclosed left parenthesis"), "\(sample.notices)")
                // The place that the server names is one in the query as it was written.
                #expect(sample.notices[0].contains("1:"), "\(sample.notices)")
                #expect(await sampler.ask(within: .seconds(40)).notices == [])
            }
        }

        @Test("a running total becomes what it grew by")
        func total() async throws {
            try await onServer("events_total{instance=\"h1\"} 100\n") { prometheus in
                let query = try PrometheusQuery(url: prometheus.url, query: "events_total", reading: .total)
                let sampler = PrometheusSampler(
                    [PrometheusMetric(name: "events", query: query)], hosts: try HostList.parse("h1"),
                    transport: try PrometheusClient())
                func next() async -> PrometheusReading { await sampler.ask(within: .seconds(40)).readings[0][0] }
                #expect(await next().kind == .noDifference)
                #expect(await next() == .value(0))
                try await prometheus.show("events_total{instance=\"h1\"} 107\n")
                #expect(await next() == .value(7))
                try await prometheus.show("events_total{instance=\"h1\"} 3\n")
                #expect(await next().kind == .noDifference)
                try await prometheus.show("events_total{instance=\"h1\"} 4\n")
                #expect(await next() == .value(1))
            }
        }

        @Test("a server that is down is told of once, and asked again")
        func down() async throws {
            let port = try Loopback.freePort()
            let hosts = try HostList.parse("h[1-2]")
            let query = try PrometheusQuery(url: "http://127.0.0.1:\(port)", query: Self.constant)
            let sampler = PrometheusSampler(
                ["a", "b"].map { PrometheusMetric(name: $0, query: query) }, hosts: hosts,
                transport: try PrometheusClient())
            let sample = await sampler.ask(within: .seconds(40))
            #expect(sample.readings.joined().allSatisfy { $0.kind == .unreachable })
            #expect(sample.notices.count == 1, "\(sample.notices)")
            #expect(sample.notices[0].hasPrefix("metrics a, b: no value for any host: http://127.0.0.1:\(port): "))
            #expect(await sampler.ask(within: .seconds(40)).notices == [])
            try await Workbench.use { bench in
                try await RunningPrometheus.use(bench, port: port) { _ in
                    try await eventually("the server is not asked again") {
                        await sampler.ask(within: .seconds(40)).readings[0] == [.value(1), .value(2)]
                    }
                }
            }
        }

        @Test("over TLS, with a password: the certificate is verified, and the password is not told")
        func secure() async throws {
            try await Workbench.use { bench in
                let certificate = try await Program.run([
                    "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", bench["key.pem"], "-out", bench["cert.pem"], "-days", "2", "-subj", "/CN=test",
                    "-addext", "subjectAltName=IP:127.0.0.1",
                ])
                try #require(certificate.exitCode == 0, "\(certificate)")
                // The password is `test`; the line is of Prometheus's documentation.
                let web = try bench.write(
                    """
                    tls_server_config: { cert_file: cert.pem, key_file: key.pem }
                    basic_auth_users:
                      deploy: $2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay

                    """, to: "web.yml")
                try await RunningPrometheus.use(bench, web: (web, "https://deploy:test@")) { prometheus in
                    let hosts = try HostList.parse("h1")
                    func sample(_ url: String, authorities: String?) async throws -> PrometheusSample {
                        let query = try PrometheusQuery(url: url, query: Self.constant)
                        return await PrometheusSampler(
                            [PrometheusMetric(name: "level", query: query)], hosts: hosts,
                            transport: try PrometheusClient(authorities: authorities)
                        ).ask(within: .seconds(40))
                    }
                    try await eventually("there is no value over TLS") {
                        try await sample(prometheus.url, authorities: bench["cert.pem"]).readings == [[.value(1)]]
                    }
                    let unknown = try await sample(prometheus.url, authorities: nil)
                    #expect(unknown.readings[0][0].kind == .unreachable)
                    #expect(unknown.notices[0].contains("certificate"), "\(unknown.notices)")
                    let wrongName = prometheus.url.replacing("127.0.0.1", with: "localhost")
                    #expect(
                        try await sample(wrongName, authorities: bench["cert.pem"]).readings[0][0].kind == .unreachable)
                    let wrongPassword = prometheus.url.replacing("deploy:test", with: "deploy:sesame")
                    let refused = try await sample(wrongPassword, authorities: bench["cert.pem"])
                    #expect(refused.readings[0][0].kind == .unreachable)
                    #expect(refused.notices[0].contains("401") && !refused.notices[0].contains("sesame"))
                }
            }
        }

        /// Runs `body` on the suite's server, once it has scraped `metrics`.
        private func onServer(_ metrics: String, _ body: (RunningPrometheus) async throws -> Void) async throws {
            let prometheus = try #require(RunningPrometheus.shared)
            try await prometheus.show(metrics)
            try await body(prometheus)
        }

        /// What a server knows that has scraped nothing: 1 for host h1, 2 for h2.
        private static let constant =
            #"label_replace(vector(1), "instance", "h1", "", "") or label_replace(vector(2), "instance", "h2", "", "")"#

        private func sampler(
            _ prometheus: RunningPrometheus, _ hosts: [SlotSync.Host], _ queries: [String],
            _ transport: (any PrometheusTransport)? = nil
        ) throws -> PrometheusSampler {
            let metrics = try queries.enumerated().map { place, query in
                PrometheusMetric(
                    name: "m\(place)", query: try PrometheusQuery(url: prometheus.url, query: query))
            }
            return PrometheusSampler(metrics, hosts: hosts, transport: try transport ?? PrometheusClient())
        }
    }

    @Suite("A hostile Prometheus")
    struct HostilePrometheusTests {
        @Test("a server that says nothing costs the time it has, and no more")
        func silent() async throws {
            try await ScriptedServer.use({ _ in .silence }) { server in
                let (sample, elapsed) = try await sampled(server, within: .milliseconds(500))
                #expect(sample.readings[0].allSatisfy { $0.kind == .timedOut })
                #expect(sample.notices.count == 1, "\(sample.notices)")
                #expect(elapsed >= .milliseconds(450) && elapsed < .seconds(30))
            }
        }

        @Test("an answer that trickles does not stretch the time")
        func trickle() async throws {
            let head = Array("HTTP/1.1 200 OK\r\n\r\n{".utf8)
            // Each of these is a packet of its own; a thread sleeps between them in the kernel's stead.
            try await ScriptedServer.use({ _ in .endless(head, [0x20]) }) { server in
                let (sample, elapsed) = try await sampled(server, within: .milliseconds(700))
                #expect(sample.readings[0].allSatisfy { $0.kind == .timedOut || $0.kind == .malformed })
                #expect(elapsed < .seconds(30))
            }
        }

        @Test("a cancelled sample ends at once")
        func cancelled() async throws {
            try await ScriptedServer.use({ _ in .silence }) { server in
                let sampler = try sampler(server)
                let start = ContinuousClock.now
                let task = Task { await sampler.ask(within: .seconds(60)) }
                try await eventually("no request came") { !server.requests.isEmpty }
                task.cancel()
                let sample = await task.value
                #expect(sample.readings[0].allSatisfy { $0.kind == .cancelled })
                #expect(sample.notices == [])
                #expect(ContinuousClock.now - start < .seconds(30))
            }
        }

        @Test("an answer without end is cut off")
        func endlessBody() async throws {
            let head = Array("HTTP/1.1 200 OK\r\n\r\n{\"a\":\"".utf8)
            try await ScriptedServer.use({ _ in .endless(head, [UInt8](repeating: 0x41, count: 1 << 20)) }) { server in
                let before = try residentBytes()
                let (sample, _) = try await sampled(server, within: .seconds(30))
                #expect(sample.readings[0].allSatisfy { $0.kind == .malformed })
                #expect(sample.notices[0].contains("4 MiB"), "\(sample.notices)")
                #expect(try residentBytes() - before < 64 << 20)
            }
        }

        @Test("headers without end do not fill the memory")
        func endlessHeaders() async throws {
            let line = Array(("X: " + String(repeating: "x", count: 1_000) + "\r\n").utf8)
            try await ScriptedServer.use({ _ in .endless(Array("HTTP/1.1 200 OK\r\n".utf8), line) }) { server in
                let before = try residentBytes()
                let (sample, elapsed) = try await sampled(server, within: .seconds(5))
                #expect(sample.readings[0].allSatisfy { $0.kind == .unreachable || $0.kind == .timedOut })
                #expect(elapsed < .seconds(30))
                #expect(try residentBytes() - before < 64 << 20)
            }
        }

        @Test("brackets without end are not followed")
        func deepNesting() async throws {
            let page = String(repeating: "[", count: 3_000_000)
            try await ScriptedServer.use({ _ in .page(#"{"data":"# + page) }) { server in
                let sample = try await sampled(server).sample
                #expect(sample.readings[0].allSatisfy { $0.kind == .malformed })
            }
        }

        @Test(
            "what is not HTTP, or ends too early, is no answer",
            arguments: [
                "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"status\":\"succ", "",
                "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            ])
        func notHTTP(answer: String) async throws {
            try await ScriptedServer.use({ _ in .bytes(Array(answer.utf8)) }) { server in
                let sample = try await sampled(server).sample
                #expect(sample.readings[0].allSatisfy { $0.kind == .unreachable }, "\(sample.notices)")
                #expect(sample.notices.count == 1)
            }
        }

        @Test("a page that is not Prometheus's is named as such")
        func anotherProgram() async throws {
            try await ScriptedServer.use({ _ in .page("<html>hello</html>") }) { server in
                let sample = try await sampled(server).sample
                #expect(sample.readings[0].allSatisfy { $0.kind == .malformed })
                for word in ["not JSON", "HTTP 200", "\"hello\""] {
                    #expect(sample.notices[0].contains(word), "\(sample.notices)")
                }
                #expect(server.requests.map { $0.prefix { $0 != " " } } == ["POST", "GET"])
            }
        }

        @Test("a server that has answered by POST is not asked by GET when it fails one day")
        func failsLater() async throws {
            let isBroken = Mutex(false)
            try await ScriptedServer.use({ _ in
                isBroken.withLock { $0 }
                    ? .page("<h1>worn out</h1>", status: "502 Bad Gateway")
                    : .page(#"{"status":"success","data":{"resultType":"vector","result":[]}}"#)
            }) { server in
                let sampler = try sampler(server)
                #expect(await sampler.ask(within: .seconds(40)).readings[0].allSatisfy { $0.kind == .noSeries })
                isBroken.withLock { $0 = true }
                let notice = try #require(await sampler.ask(within: .seconds(40)).notices.first)
                #expect(notice.contains("HTTP 502") && notice.contains("worn out"), "\(notice)")
                #expect(server.requests.count == 2)
            }
        }

        @Test("a redirection within the host is followed, with question and password")
        func redirectedWithin() async throws {
            try await ScriptedServer.use({ request in
                request.hasPrefix("POST /api/")
                    ? .page("", status: "302 Found", headers: ["Location: /prometheus/api/v1/query"])
                    : .page(#"{"status":"success","data":{"resultType":"vector","result":[]}}"#)
            }) { server in
                let sample = try await sampled(server).sample
                #expect(sample.readings[0].allSatisfy { $0.kind == .noSeries }, "\(sample.notices)")
                #expect(server.requests.count == 2)
                let second = try #require(server.requests.last)
                #expect(second.hasPrefix("POST /prometheus/api/v1/query "))
                #expect(second.contains("query=level&timeout=") && second.contains("Authorization: Basic dTpw\r\n"))
            }
        }

        @Test("a redirection to another server is not followed, and that one learns nothing")
        func redirectedAway() async throws {
            try await ScriptedServer.use({ _ in .page("") }) { other in
                let location = "Location: \(other.url)/api/v1/query"
                try await ScriptedServer.use({ _ in .page("", status: "307 Temporary Redirect", headers: [location]) })
                {
                    server in
                    let sample = try await sampled(server).sample
                    #expect(sample.readings[0].allSatisfy { $0.kind == .unreachable })
                    #expect(sample.notices[0].contains("redirects"), "\(sample.notices)")
                    #expect(other.requests.isEmpty)
                }
            }
        }

        @Test("redirections in a circle come to an end")
        func redirectedInACircle() async throws {
            try await ScriptedServer.use({ _ in .page("", status: "301 Moved", headers: ["Location: /api/v1/query"]) })
            {
                server in
                let sample = try await sampled(server).sample
                #expect(sample.readings[0].allSatisfy { $0.kind == .unreachable })
                // By POST and by GET.
                #expect(server.requests.count == 2 * (PrometheusCall.mostRedirections + 1))
            }
        }

        private func sampler(_ server: ScriptedServer) throws -> PrometheusSampler {
            let url = server.url.replacing("http://", with: "http://u:p@")
            return PrometheusSampler(
                [PrometheusMetric(name: "level", query: try PrometheusQuery(url: url, query: "level"))],
                hosts: try HostList.parse("h[1-3]"), transport: try PrometheusClient())
        }

        private func sampled(
            _ server: ScriptedServer, within limit: Duration = .seconds(10)
        ) async throws -> (sample: PrometheusSample, elapsed: Duration) {
            let sampler = try sampler(server)
            let start = ContinuousClock.now
            let sample = await sampler.ask(within: limit)
            return (sample, ContinuousClock.now - start)
        }

        private func residentBytes() throws -> Int {
            let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")[1]
            return (Int(pages) ?? 0) * Int(getpagesize())
        }
    }
}

extension PrometheusReading {
    /// Why it is missing; nil if it is not.
    fileprivate var kind: PrometheusGap.Kind? {
        guard case .missing(let gap) = self else { return nil }
        return gap.kind
    }
}

/// The command's client, and how often it was used.
private final class CountingClient: PrometheusTransport {
    let calls = Mutex(0)
    private let client: PrometheusClient

    init(_ client: PrometheusClient) { self.client = client }

    func send(_ call: PrometheusCall, within limit: Duration) async throws(PrometheusGap) -> PrometheusResponse {
        calls.withLock { $0 += 1 }
        return try await client.send(call, within: limit)
    }
}
