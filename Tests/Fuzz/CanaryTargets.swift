// Recordings, which `slotsync judge` takes from anybody, and the answers of Prometheus servers, or of what answers in their place.

import JSONCoding

@testable import Canary
@testable import CanaryPrometheus
@testable import CanaryRecording
@testable import SlotSync
@testable import slotsync

let canaryTargets = [
    FuzzTarget(
        name: "recording",
        words: [
            "\"case\":", "\"interval_s\":", "\"gap_s\":", "\"settle_s\":", "\"window_s\":", "\"significance\":",
            "\"metrics\":[",
            "\"hosts\":{", "\"name\":", "\"kind\":\"gauge\"", "\"kind\":\"counter\"", "\"worse\":\"lower\"",
            "\"from\":\"flip\"",
            "\"weight\":", "\"tolerance\":", "\"critical\":true", "\"role\":\"canary\"", "\"role\":\"control\"",
            "\"baseline\":{",
            "\"after\":{", "null", "1e300", "5e-324", "86400", "1e-300",
        ]
    ) {
        (0..<40).map { Array(Recording.random(seed: $0).line.utf8) }.filter { $0.count < 1500 }.prefix(8).map(\.self)
    } run: { bytes in
        guard let recording = read(bytes) else { return false }
        guard let again = read(Array(recording.line.utf8)) else {
            fatalError("a recording is refused that was written")
        }
        demand(again.isSame(as: recording), "a recording reads as another one")
        // What is judged of few samples is judged of many, only longer.
        guard recording.samplesAfter <= 24, recording.hosts.count <= 12, recording.metrics.count <= 6 else {
            return true
        }
        for looks in [false, true] where !looks || recording.samplesAfter <= 8 {
            // A window of a day at samples of a millisecond has the bound's 100,000 looks.
            if looks, (recording.window ?? 0) / recording.interval > 50 { continue }
            let judge = RecordedJudge(
                settings: JudgeSettings(), settle: nil, significance: nil, window: nil, looks: looks)
            demand(json(judge.line(for: recording)), "a verdict that is no JSON")
        }
        return true
    },
    FuzzTarget(
        name: "prometheus",
        words: [
            "{\"status\":\"success\",\"data\":{", "\"resultType\":\"vector\",", "\"result\":[", "{\"metric\":{",
            "\"value\":[1,\"",
            "\"slotsync_host\":\"0\"", "\"instance\":\"web1:9100\"", "\"scalar\"", "\"matrix\"", "\"histogram\":",
            "{\"status\":\"error\",\"errorType\":\"", "bad_data", "execution", "\"warnings\":[", "<html>", "NaN",
            "+Inf", "1e308",
        ]
    ) {
        [
            #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"slotsync_host":"0"},"value":[1,"22"]}]}}"#,
            #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"instance":"web1:9100"},"value":[1,"2e3"]}]}}"#,
            #"{"status":"success","data":{"resultType":"scalar","result":[1.5,"7"]},"warnings":["w"]}"#,
            #"{"status":"error","errorType":"bad_data","error":"1:6: parse error"}"#,
        ].enumerated().map { [UInt8($0 % 2), 0] + Array($1.utf8) }
    } run: { bytes in
        var input = FuzzInput(bytes)
        let isNamed = input.byte() & 1 == 0
        let status = [200, 400, 422, 503, 302, 401, 404, 204][Int(input.byte()) % 8]
        let response = PrometheusResponse(status: status, body: input.all())
        guard let query = isNamed ? queries?.named : queries?.labelled, let hosts = try? HostList.parse("web[1-3]")
        else {
            return false
        }
        let answer = try? PrometheusAnswer.parse(response, from: query.server, hiding: PrometheusSecrets([]))
        var round = PrometheusRound([query], hosts: PrometheusHosts(hosts), askedAlone: [])
        var asked = 0
        while let ask = round.next() {
            asked += 1
            demand(asked <= 10, "a server that answers the same is asked for ever")
            round.take(.success(response), of: ask)
        }
        round.hideSecrets()
        demand(round.readings[0].count == hosts.count, "\(round.readings[0].count) readings of \(hosts.count) hosts")
        for reading in round.readings[0] {
            switch reading {
            case .value(let value): demand(value.isFinite, "a reading of \(value)")
            case .missing(let gap):
                demand(gap.message.utf8.count < 64 << 10, "a gap of \(gap.message.utf8.count) bytes")
            }
        }
        return answer != nil
    },
    FuzzTarget(
        name: "prometheus-query", longest: 600,
        words: [
            "{host}", "=~\"", "!~'", "`", "\\", "#", "\n", "{instance=\"{host}:9100\"}", "http://", "https://", "%41",
            "@", ":",
        ]
    ) {
        [
            #"http://prometheus:9090\#0sum(errors{instance=~"{host}:.*"}) # '{host}'"#,
            #"https://ann:secret%40@h/path/\#0up{instance='{host}'} or x{y=`{host}`}"#,
        ].map { Array($0.utf8) }
    } run: { bytes in
        let texts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        let server = accepted { () throws(SlotSyncError) in try PrometheusServer(texts[0]) }
        if let server {
            demand(
                !server.base.dropFirst("https://".count).prefix { $0 != "/" }.contains("@"),
                "a password is shown: \(server.base)")
            _ = try? PrometheusServer(server.base)
        }
        let call = PrometheusCall(method: .get, url: "http://h:1/q?x", form: "", headers: [])
        if let next = call.redirected(to: texts[0]) {
            demand(next.url.lowercased().contains("://h"), "a redirection leads to another host: \(next.url)")
        }
        guard texts.count == 2,
            let template = accepted({ () throws(SlotSyncError) in try PrometheusTemplate(texts[1]) })
        else {
            return server != nil
        }
        let filled = template.query(for: "web1.example.com")
        demand(template.namesHost || filled == texts[1], "a query without a host changes")
        // A host's name is nothing but a part of a string.
        if template.namesHost, !texts[1].contains("\\") {
            for name in [".", "a.b"] { demand(template.query(for: name) != "", "a query becomes nothing") }
        }
        return true
    },
]

private let queries: (named: PrometheusQuery, labelled: PrometheusQuery)? = try? (
    PrometheusQuery(url: "http://h", query: #"sum(errors{instance="{host}:9100"})"#),
    PrometheusQuery(url: "http://h", query: "node_load1")
)

private func read(_ bytes: [UInt8]) -> Recording? {
    accepted { () throws(SlotSyncError) in try RecordingReader().read(bytes) }
}

private func json(_ line: String) -> Bool {
    accepted { () throws(SlotSyncError) in
        let parser = try JSONParser(maximumLength: 1 << 20, maximumDepth: 32)
        let isObject = Array(line.utf8).withUnsafeBytes { bytes in
            Result { () throws(SlotSyncError) in try parser.read(bytes) { $0.isObject } }
        }
        return try isObject.get()
    } ?? false
}
