// What a person may write about a Prometheus metric, and how a host's name gets into a query.

import SlotSync
import Testing

@testable import CanaryPrometheus

@Suite struct PrometheusQueryTests {
    @Test(arguments: [
        ("http://prometheus:9090", "http://prometheus:9090/api/v1/query"),
        ("http://prometheus:9090/", "http://prometheus:9090/api/v1/query"),
        ("HTTPS://Metrics.Example.com/a/b//", "https://metrics.example.com/a/b/api/v1/query"),
        ("http://[2001:db8::7]:9090/p%20q", "http://[2001:db8::7]:9090/p%20q/api/v1/query"),
    ])
    func aBaseURLMayHaveAPath(url: String, expected: String) throws {
        #expect(try PrometheusServer(url).queryURL == expected)
    }

    @Test(arguments: [
        ("http://u:p@h", "Basic dTpw"), ("http://u@h", "Basic dTo="), ("http://a%40b:c:d%25@h", "Basic YUBiOmM6ZCU="),
        ("http://deploy:secret@h", "Basic ZGVwbG95OnNlY3JldA=="), ("http://u:p@ss@h", "Basic dTpwQHNz"),
    ])
    func userAndPasswordLeaveTheURL(url: String, expected: String) throws {
        let server = try PrometheusServer(url)
        #expect(server.account?.value == expected)
        #expect(server.base == "http://h" && server.description == "http://h")
    }

    @Test(arguments: [
        "", "prometheus:9090", "ftp://h", "http://", "http:///x", "http://:9090", "http://h?x=1", "http://h#x",
        "http://h/a b", "http://h/\u{e9}", "http://h/\\", "http://u:%4@h", "http://u:%zz@h", "http://u:p@",
        "http://" + String(repeating: "h", count: 2_000),
    ])
    func anURLThatIsNoneIsRefused(url: String) {
        #expect(throws: SlotSyncError.self) { try PrometheusServer(url) }
    }

    @Test func aPasswordIsNeverQuoted() throws {
        for url in ["ftp://deploy:secret@h", "http://deploy:secret%@h", "http://deploy:se cret@h", "deploy:secret@h"] {
            let error = try #require(throws: SlotSyncError.self) { try PrometheusServer(url) }
            #expect(!error.message.contains("secret") && !error.message.contains("cret@"))
            #expect(error.message.contains("@h"))
        }
    }

    @Test(arguments: [
        (#"up{instance="{host}:9100"}"#, #"up{instance="web+1.example.com:9100"}"#),
        (#"up{instance='{host}'}"#, #"up{instance='web+1.example.com'}"#),
        (#"up{instance=~"{host}:.*"}"#, #"up{instance=~"web\\+1\\.example\\.com:.*"}"#),
        (#"up{instance !~ '{host}'}"#, #"up{instance !~ 'web\\+1\\.example\\.com'}"#),
        ("up{instance=~`{host}:\\d+`}", "up{instance=~`web\\+1\\.example\\.com:\\d+`}"),
        (#"up{a=~"b",instance="{host}"}"#, #"up{a=~"b",instance="web+1.example.com"}"#),
        (#"up{a="\"",instance="{host}"}"#, #"up{a="\"",instance="web+1.example.com"}"#),
        (
            "up{a=`\\`,instance=\"{host}\"} # {host}\n+ up{instance=\"{host}\"}",
            "up{a=`\\`,instance=\"web+1.example.com\"} # {host}\n+ up{instance=\"web+1.example.com\"}"
        ),
        (
            ##"a{h="#{host}"} + b{h="{host}{host}"}"##,
            ##"a{h="#web+1.example.com"} + b{h="web+1.example.comweb+1.example.com"}"##
        ),
    ])
    func aNameIsPutIntoStrings(query: String, expected: String) throws {
        let template = try PrometheusTemplate(query)
        #expect(template.namesHost)
        #expect(template.query(for: "web+1.example.com") == expected)
    }

    @Test func aNameOutsideAStringIsRefused() {
        for query in ["up{host}", #"up{a="b"} + {host}"#, #"up{a="\\"} {host}"#] {
            #expect(throws: SlotSyncError.self) { try PrometheusTemplate(query) }
        }
    }

    @Test func aQueryWithoutANameIsTakenAsItIs() throws {
        let template = try PrometheusTemplate("node_load1 # {host}")
        #expect(!template.namesHost)
        #expect(template.query(for: "web1") == "node_load1 # {host}")
    }

    @Test func whatCannotBeAskedIsRefused() {
        func read(_ query: String, label: String? = nil) throws {
            _ = try PrometheusQuery(url: "http://h", query: query, label: label)
        }
        #expect(throws: SlotSyncError.self) { try read(" \n") }
        #expect(throws: SlotSyncError.self) { try read(String(repeating: "x", count: 8_001)) }
        #expect(throws: SlotSyncError.self) { try read("up", label: "a-b") }
        #expect(throws: SlotSyncError.self) { try read("up", label: "") }
        #expect(throws: SlotSyncError.self) { try read("up", label: "1a") }
        #expect(throws: SlotSyncError.self) { try read(#"up{instance="{host}"}"#, label: "node") }
        #expect(throws: Never.self) { try read("up", label: "node_name2") }
    }
}
