// What a push is told of Prometheus's metrics before it asks for any: placeholders, and metrics that nobody knows.

import Canary
import SlotSync
import Testing

@testable import CanaryPrometheus

@Suite struct PrometheusMetricsTests {
    private struct NoTransport: PrometheusTransport {
        func send(_ call: PrometheusCall, within limit: Duration) async throws(PrometheusGap) -> PrometheusResponse {
            throw PrometheusGap(.unreachable, "nobody is there")
        }
    }

    private func query(_ text: String) throws -> PrometheusQuery { try PrometheusQuery(url: "http://p", query: text) }

    @Test(arguments: ["\"", "'", "`", "\\", "\n", "{", "}", "[", "]", "(", ")", "{host", "{root}", "{release}"])
    func nothingEndsAString(value: String) throws {
        for root in ["/srv/\(value)", "/srv/{host}/\(value)", "\(value){host}"] {
            #expect(throws: SlotSyncError.self) {
                try query(#"up{d="{root}"}"#).filled(root: root, release: "b", reading: .level)
            }
        }
        #expect(try query("up").filled(root: value, release: "b", reading: .level).text == "up")
    }

    @Test func placesAreFilledAndTheHostIsLeft() throws {
        let filled = try query(#"up{i="{host}",d="{root}",r="{release}"}"#).filled(
            root: "/srv/{host}", release: "3f2a", reading: .total)
        #expect(filled.text == #"up{i="{host}",d="/srv/{host}",r="3f2a"}"#)
        #expect(filled.reading == .total)
        // A query without the host's name gets it by the root.
        let byRoot = try query(#"up{d="{root}"}"#).filled(root: "/srv/{host}/www", release: "b", reading: .level)
        #expect(byRoot.text == #"up{d="/srv/{host}/www"}"# && byRoot.template.namesHost)
    }

    @Test func whatIsRefusedIsNamedWithItsMetric() throws {
        func error(root: String, _ name: String) throws -> String {
            let fleet = Fleet(hosts: try HostList.parse("web[1-2]"), root: root, transport: Transport(.local))
            let metrics = PrometheusMetrics(
                ["up": try query(#"up{i="{host}",d="{root}"}"#)], transport: NoTransport())
            let error = try #require(throws: SlotSyncError.self) {
                try metrics.sampler(of: [Metric(name: name, kind: .gauge)], on: fleet, release: "b")
            }
            return error.message
        }
        #expect(try error(root: "/srv/(1)", "up").hasPrefix(#"metric up: {root} is "/srv/(1)" here, and '('"#))
        #expect(try error(root: "/srv", "down") == "metric down: there is no query for it")
    }
}
