// A real Prometheus behind a real nginx that lets nothing but GET through, and wants a tenant and a token.

import Foundation
import SlotSync
import Testing

@testable import CanaryPrometheus

extension FleetEndToEnd {
    @Suite(
        "Prometheus behind a proxy", .enabled(if: RunningPrometheus.isAvailable, RunningPrometheus.reason),
        .enabled(if: RunningNginx.isAvailable, RunningNginx.reason), .sharedPrometheus)
    struct PrometheusProxyTests {
        private static let tenant = "shop-tenant-7f3a"
        private static let token = "rotated-token-b41c"

        /// Wants GET, the tenant, and a token that begins with `rotated-token`; what it says repeats what it was sent.
        private func onProxy(
            refusal: String = "limit_except GET { deny all; }", _ body: (Workbench, RunningNginx) async throws -> Void
        ) async throws {
            let prometheus = try #require(RunningPrometheus.shared)
            try await prometheus.show(
                (1...300).map { "level{instance=\"web\($0):9100\"} \($0)\n" }.joined())
            try await Workbench.use { bench in
                try await RunningNginx.use(
                    bench,
                    server: """
                        location / {
                          \(refusal)
                          if ($http_x_scope_orgid != "\(Self.tenant)") { return 401 "no org id\\n"; }
                          if ($http_authorization !~ "^Bearer rotated-token") {
                            return 403 "<html><h1>unknown token</h1> $http_authorization for $http_x_scope_orgid</html>\\n";
                          }
                          proxy_set_header Authorization "";
                          proxy_pass \(prometheus.url);
                        }
                        """
                ) { try await body(bench, $0) }
            }
        }

        private func access(_ bench: Workbench, token: String = token) throws -> PrometheusAccess {
            try bench.write("\(token)\n", to: "token")
            return try PrometheusAccess(
                headers: [("X-Scope-OrgID", Self.tenant)], bearerTokenFile: .init(bench["token"]))
        }

        private func asking(_ proxy: RunningNginx, _ access: PrometheusAccess, hosts: Int = 3) throws
            -> PrometheusSampler
        {
            let query = try PrometheusQuery(
                url: proxy.url, query: #"sum(level{instance="{host}:9100",job!="nothing"}) or vector(0)"#,
                access: access)
            return PrometheusSampler(
                [PrometheusMetric(name: "level", query: query)], hosts: try HostList.parse("web[1-\(hosts)]"),
                transport: try PrometheusClient())
        }

        @Test(
            "what refuses POST is asked by GET, and from then on at once",
            arguments: [
                "limit_except GET { deny all; }", "if ($request_method = POST) { return 405; }",
                "if ($request_method = POST) { return 411; }", "if ($request_method = POST) { return 501; }",
                "if ($request_method = POST) { return 400 'POST is not supported'; }",
                "if ($request_method = POST) { return 404; }", "if ($request_method = POST) { return 406; }",
                "if ($request_method = POST) { return 444; }",
                "if ($request_method = POST) { return 302 https://login.example.com/; }",
                "if ($request_method = POST) { return 200 '<html>sign in</html>'; }",
                "if ($request_method = POST) { return 200 '{\"error\":\"read-only\"}'; }",
            ])
        func getInPlaceOfPost(refusal: String) async throws {
            try await onProxy(refusal: refusal) { bench, proxy in
                let sampler = try asking(proxy, access(bench))
                for _ in 0..<2 {
                    let sample = await sampler.ask(within: .seconds(40))
                    #expect(sample.readings == [[.value(1), .value(2), .value(3)]], "\(sample.notices)")
                    #expect(sample.notices == [])
                }
                #expect(try await proxy.asked(3).map { $0.prefix { $0 != " " } } == ["POST", "GET", "GET"])
            }
        }

        @Test("300 hosts by GET are cut into addresses that a server takes")
        func manyByGet() async throws {
            try await onProxy { bench, proxy in
                let sampler = try asking(proxy, access(bench), hosts: 300)
                let sample = await sampler.ask(within: .seconds(30))
                #expect(sample.readings[0].map(\.sample) == (1...300).map(Double.init), "\(sample.notices)")
                #expect(try await proxy.asked(2).allSatisfy { !$0.hasSuffix(" 414") })
            }
        }

        @Test("a token that is rotated is the new one")
        func rotated() async throws {
            try await onProxy { bench, proxy in
                let sampler = try asking(proxy, access(bench, token: "old-token-55e0"))
                let refused = await sampler.ask(within: .seconds(40))
                #expect(refused.readings[0].allSatisfy { $0.sample.isNaN })
                try bench.write(Self.token, to: "token")
                #expect(await sampler.ask(within: .seconds(40)).readings == [[.value(1), .value(2), .value(3)]])
                let asked = try await proxy.asked(4)
                #expect(asked.last == "GET \(Self.tenant) \"Bearer \(Self.token)\" 200")
            }
        }

        @Test("what the proxy says is shown, but for what it was sent")
        func refusal() async throws {
            try await onProxy { bench, proxy in
                let sampler = try asking(proxy, access(bench, token: "old-token-55e0"))
                let notice = try #require(await sampler.ask(within: .seconds(40)).notices.first)
                #expect(notice.contains("HTTP 403") && notice.contains("unknown token"), "\(notice)")
                #expect(!notice.contains("old-token") && !notice.contains(Self.tenant), "\(notice)")
                let nobody = try asking(proxy, .none)
                let other = try #require(await nobody.ask(within: .seconds(40)).notices.first)
                #expect(other.contains("HTTP 403") || other.contains("no org id"), "\(other)")
            }
        }

        @Test(
            "no output of a command shows a header's value, whatever goes wrong",
            arguments: ["--verbose", "--json", "--quiet"])
        func commandLine(option: String) async throws {
            try await onProxy { bench, proxy in
                let fleet = try Fleet(bench, hosts: 2)
                try await fleet.release(firstTree(bench))
                try bench.write("# who asks\nX-Scope-OrgID: \(Self.tenant)\n", to: "headers")
                try bench.write(
                    """
                    canary:
                      metrics:
                        - name: level
                          source: prometheus
                          url: \(proxy.url)
                          query: 'sum(level{instance!="{host}"})'
                          headers: {X-Other: other-secret-91d2}
                          headers_file: headers
                          bearer_token_file: token

                    """, to: "slotsync.yml")
                try bench.write(Self.token, to: "token")
                let secrets = [Self.tenant, Self.token, "other-secret", "old-token"]
                let good = try await fleet.call("sample", option)
                #expect(good.exitCode == 0 && good.output.contains("45150"), "\(good)")
                try bench.write("old-token-55e0", to: "token")
                let bad = try await fleet.call("sample", option)
                #expect(bad.output.contains("unknown token") || bad.errors.contains("unknown token"), "\(bad)")
                try bench.write("", to: "token")
                let none = try await fleet.call("sample", option)
                #expect(none.exitCode == 64 && none.errors.contains("bearer_token_file"), "\(none)")
                for outcome in [good, bad, none] {
                    for secret in secrets {
                        #expect(!outcome.output.contains(secret) && !outcome.errors.contains(secret), "\(outcome)")
                    }
                }
            }
        }
    }
}
