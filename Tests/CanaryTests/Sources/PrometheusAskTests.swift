// How many requests a fleet takes, and what stands in them.

import SlotSync
import Testing

@testable import CanaryPrometheus

@Suite struct PrometheusAskTests {
    private func asks(_ query: String, hosts: Int, joining: Bool = true) throws -> [PrometheusAsk] {
        let names = (0..<hosts).map { "web\($0)" }
        let query = try PrometheusQuery(url: "http://h", query: query)
        return PrometheusAsk.all(query, metric: 3, hosts: names, joining: joining)
    }

    @Test func hostsAreJoinedWithANumberEach() throws {
        let asks = try asks(#"up{instance="{host}"}"#, hosts: 2)
        #expect(
            asks == [
                PrometheusAsk(
                    metric: 3, form: .joined, hosts: [0, 1],
                    query: "label_replace(up{instance=\"web0\"}\n,\"slotsync_host\",\"0\",\"\",\"\") or "
                        + "label_replace(up{instance=\"web1\"}\n,\"slotsync_host\",\"1\",\"\",\"\")")
            ])
    }

    @Test(arguments: [1, 99, 100, 101, 300, 1_000])
    func everyHostIsAskedForOnce(hosts: Int) throws {
        let asks = try asks(#"up{instance="{host}"}"#, hosts: hosts)
        #expect(asks.flatMap(\.hosts) == Array(0..<hosts))
        #expect(asks.count == (hosts + 99) / 100)
    }

    @Test func aLongQueryTakesFewerHostsAtOnce() throws {
        let long = #"sum(rate(x{instance="{host}",y="\#(String(repeating: "y", count: 1_000))"}[30s]))"#
        let asks = try asks(long, hosts: 100)
        #expect(asks.flatMap(\.hosts) == Array(0..<100))
        #expect(asks.count == 8)
        for ask in asks { #expect(ask.query.utf8.count <= PrometheusAsk.longestQuery) }
    }

    @Test func oneHostOfAnyLengthIsAskedFor() throws {
        let hosts = String(repeating: "{host}", count: 1_300)
        let asks = try asks("x{y=\"\(hosts)\"}", hosts: 12)
        #expect(asks.flatMap(\.hosts) == Array(0..<12))
    }

    @Test func aQueryWithoutANameIsOneRequest() throws {
        let asks = try asks("node_load1", hosts: 300)
        #expect(asks.count == 1 && asks[0].form == .labelled && asks[0].query == "node_load1")
        #expect(asks[0].hosts == Array(0..<300))
    }

    @Test func whatCannotBeJoinedIsAskedHostByHost() throws {
        let asks = try asks(#"scalar(up{instance="{host}"})"#, hosts: 3, joining: false)
        #expect(asks.map(\.query) == (0..<3).map { #"scalar(up{instance="web\#($0)"})"# })
        #expect(asks.allSatisfy { $0.form == .alone })
    }

    @Test func theFormIsPercentEncoded() {
        let ask = PrometheusAsk(metric: 0, form: .alone, hosts: [0], query: "a{b=\"ü&+%\"} > 1\n")
        #expect(
            ask.form(within: .milliseconds(4_500))
                == "query=a%7Bb%3D%22%C3%BC%26%2B%25%22%7D+%3E+1%0A&timeout=4500ms")
        #expect(ask.form(within: .microseconds(3)).hasSuffix("&timeout=1ms"))
    }

    @Test(arguments: [
        ("http://h:9090/x", "http://h:9090/prometheus/x", true), ("http://h/x", "https://h/x", true),
        ("http://h:80/x", "http://h/y", true), ("http://H/x", "http://h/y", true),
        ("http://h:9090/x", "https://h/x", true), ("https://h/x", "https://h:443/y", true),
        ("http://[::1]:9090/x", "http://[::1]:9090/y", true),
        ("https://h/x", "http://h/x", false), ("http://h:9090/x", "http://h:9091/x", false),
        ("http://h/x", "http://evil/x", false), ("http://h/x", "http://h.evil/x", false),
        ("http://h/x", "http://h@evil/x", false), ("http://h/x", "http://h:80@evil/x", false),
        ("http://h/x", #"http://h\@evil/x"#, false), ("http://h/x", "file:///etc/passwd", false),
        ("http://h/x", "//h/x", false), ("http://[::1]/x", "http://[::2]/x", false), ("http://h/x", "", false),
    ])
    func redirectionsStayOnTheHost(from: String, to: String, isAllowed: Bool) throws {
        let call = try PrometheusCall(
            method: .post, url: from, form: "query=up",
            headers: PrometheusAccess(headers: [("Authorization", "Basic eA==")]).current())
        let redirected = call.redirected(to: to)
        #expect((redirected != nil) == isAllowed)
        if isAllowed { #expect(redirected?.url == to && redirected?.headers == call.headers) }
    }

    @Test(arguments: [
        ("web1.example.com:9100", 0), ("web1.example.com", 0), ("web2.example.com:9100", 1),
        ("db:2222", 2), ("db:2223", 3), ("db:9100", nil), ("db", nil), ("2001:db8::7", 4), ("[2001:db8::7]:9100", 4),
        ("[2001:db8::7]", 4), ("web1", nil), ("", nil), ("web3.example.com:9100", nil), ("old:22", 5), ("old:9100", 5),
    ])
    func aLabelNamesAHost(value: String, index: Int?) throws {
        let hosts = try HostList.parse(
            "web1.example.com,root@web2.example.com,db:2222,db:2223,2001:db8::7,old:22")
        #expect(PrometheusHosts(hosts).index(of: value) == index)
    }
}
