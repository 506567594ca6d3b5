// What answers mean: which hosts have a number, and why others have none. The answers are Prometheus's own, copied from a
// server's output or bent out of shape.

import SlotSync
import Testing

@testable import CanaryPrometheus

@Suite struct PrometheusRoundTests {
    private let hosts: PrometheusHosts
    private static let named = #"sum(errors{instance="{host}:9100"})"#

    init() throws { hosts = PrometheusHosts(try HostList.parse("web[1-3]")) }

    private func round(_ query: String, askedAlone: Set<Int> = []) throws -> PrometheusRound {
        PrometheusRound([try PrometheusQuery(url: "http://h", query: query)], hosts: hosts, askedAlone: askedAlone)
    }

    private func response(_ body: String, status: Int = 200) -> Result<PrometheusResponse, PrometheusGap> {
        .success(PrometheusResponse(status: status, body: Array(body.utf8)))
    }

    private func vector(_ series: String) -> Result<PrometheusResponse, PrometheusGap> {
        response(#"{"status":"success","data":{"resultType":"vector","result":[\#(series)]}}"#)
    }

    private func refusal(_ type: String) -> Result<PrometheusResponse, PrometheusGap> {
        response(#"{"status":"error","errorType":"\#(type)","error":"1:6: parse error"}"#, status: 400)
    }

    private func kinds(_ round: PrometheusRound) -> [PrometheusGap.Kind?] {
        round.readings[0].map { reading in
            guard case .missing(let gap) = reading else { return nil }
            return gap.kind
        }
    }

    /// The readings of the first request's hosts after `answer` came, nothing else being asked.
    private func readings(
        _ query: String, _ answer: Result<PrometheusResponse, PrometheusGap>
    ) throws -> PrometheusRound {
        var round = try round(query)
        round.take(answer, of: try round.ask())
        #expect(round.upcoming == nil)
        return round
    }

    @Test func seriesFindTheirHostsByNumber() throws {
        let round = try readings(
            Self.named,
            vector(
                #"{"metric":{"slotsync_host":"2"},"value":[1795563047.83,"22"]},"#
                    + #"{"value":[1795563047.83,"1e-3"],"metric":{"job":"a\u00e9\ud83d\ude00\n","slotsync_host":"0"}}"#)
        )
        #expect(round.readings[0][0] == .value(0.001))
        #expect(round.readings[0][2] == .value(22))
        #expect(kinds(round) == [nil, .noSeries, nil])
    }

    @Test func seriesFindTheirHostsByLabel() throws {
        let round = try readings(
            "node_load1",
            vector(
                #"{"metric":{"__name__":"node_load1","instance":"web3:9100"},"value":[1,"0.5"]},"#
                    + #"{"metric":{"__name__":"node_load1","instance":"db1:9100"},"value":[1,"7"]},"#
                    + #"{"metric":{"__name__":"node_load1"},"value":[1,"8"]}"#))
        #expect(round.readings[0][2] == .value(0.5))
        #expect(kinds(round) == [.noSeries, .noSeries, nil])
        guard case .missing(let gap) = round.readings[0][0] else { return }
        #expect(gap.message.contains("db1:9100") && gap.message.contains("instance"))
    }

    @Test(arguments: ["NaN", "+Inf", "-Inf", "", "1e999", "abc"])
    func whatIsNoFiniteNumberIsMissing(value: String) throws {
        let round = try readings(Self.named, vector(#"{"metric":{"slotsync_host":"0"},"value":[1,"\#(value)"]}"#))
        #expect(kinds(round) == [.notANumber, .noSeries, .noSeries])
    }

    @Test func severalSeriesOfAHostAreNeverPickedFrom() throws {
        let round = try readings(
            Self.named,
            vector(
                #"{"metric":{"code":"500","slotsync_host":"1"},"value":[1,"1"]},"#
                    + #"{"metric":{"code":"502","slotsync_host":"1"},"value":[1,"2"]}"#))
        #expect(kinds(round) == [.noSeries, .severalSeries, .noSeries])
        guard case .missing(let gap) = round.readings[0][1] else { return }
        #expect(gap.message.contains("code=502") && gap.message.contains("sum("))
    }

    @Test(arguments: [#""3""#, #""-1""#, #""x""#, #""99999999999999999999""#])
    func aNumberThatWasNotGivenSpoilsTheAnswer(number: String) throws {
        let round = try readings(
            Self.named,
            vector(
                #"{"metric":{"slotsync_host":"0"},"value":[1,"1"]},"#
                    + #"{"metric":{"slotsync_host":\#(number)},"value":[1,"1"]}"#))
        #expect(kinds(round) == [.malformed, .malformed, .malformed])
    }

    @Test(arguments: [
        "", "{", "[]", "null", "{}", #"{"status":"success"}"#, #"{"status":"success","data":{}}"#,
        #"{"status":"success","data":null}"#, #"{"status":1}"#, #"{"status":"maybe","data":{}}"#,
        #"{"status":"success","data":{"resultType":"vector","result":{}}}"#,
        #"{"status":"success","data":{"resultType":"vector","result":[]}}x"#,
        #"{"status":"success","data":{"resultType":"vector","result":[],}}"#,
        #"{"status":"success","data":{"resultType":"sideways","result":[]}}"#,
        #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":1},"value":[1,"2"]}]}}"#,
        "{\"status\":\"\u{1}\"}", #"{"status":"\ud800"}"#, #"{"status":"\q"}"#, "{\"a\":01}", "{\"a\":tru}",
        "{\"a\":1.}",
        String(repeating: "[", count: 1_000_000), #"{"a":"# + String(repeating: #"{"a":"#, count: 100_000),
        "<html>502 Bad Gateway</html>",
    ])
    func whatTheAPIDoesNotHaveIsMalformed(body: String) throws {
        let round = try readings(Self.named, response(body))
        #expect(kinds(round) == [.malformed, .malformed, .malformed])
    }

    @Test func textThatIsNotUTF8IsMalformed() throws {
        var body = Array(#"{"status":"success","error":"X"}"#.utf8)
        body[body.firstIndex(of: UInt8(ascii: "X"))!] = 0xff
        let round = try readings(Self.named, .success(PrometheusResponse(status: 200, body: body)))
        #expect(kinds(round) == [.malformed, .malformed, .malformed])
    }

    @Test func anAnswerCutOffAnywhereIsMalformed() throws {
        let body = Array(
            #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"slotsync_host":"0"},"value":[1,"1"]}]}}"#
                .utf8)
        for length in body.indices {
            let round = try readings(
                Self.named, .success(PrometheusResponse(status: 200, body: Array(body[..<length]))))
            #expect(kinds(round) == [.malformed, .malformed, .malformed])
        }
    }

    @Test(arguments: [(302, "redirects"), (401, "user:password"), (404, "path"), (502, "HTTP 502")])
    func aPageInsteadOfAnAnswerIsNamedByItsStatus(status: Int, word: String) throws {
        let round = try readings(Self.named, response("<html>", status: status))
        #expect(kinds(round) == [.unreachable, .unreachable, .unreachable])
        guard case .missing(let gap) = round.readings[0][0] else { return }
        #expect(gap.message.contains(word) && gap.message.contains("http://h"))
    }

    @Test func aRangeIsNoNumber() throws {
        let round = try readings(
            "x[30s]",
            response(
                #"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"2"],[2,"3"]]}]}}"#
            ))
        #expect(kinds(round) == [.notANumber, .notANumber, .notANumber])
    }

    @Test func aHistogramIsNoNumber() throws {
        let round = try readings("x", vector(#"{"metric":{"instance":"web1"},"histogram":[1,{"count":"3"}]}"#))
        #expect(kinds(round) == [.notANumber, .notANumber, .notANumber])
    }

    @Test func oneNumberForAllIsRefused() throws {
        let round = try readings(
            "1", response(#"{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}"#))
        #expect(kinds(round) == [.noSeries, .noSeries, .noSeries])
    }

    @Test func aRefusedBatchIsProbedWithOneHostAndThenAskedAlone() throws {
        var round = try round(Self.named)
        round.take(refusal("bad_data"), of: try round.ask())
        let probe = try round.ask()
        #expect(probe.form == .alone && probe.hosts == [0])
        #expect(round.upcoming == nil)
        let scalar = response(#"{"status":"success","data":{"resultType":"scalar","result":[1,"5"]}}"#)
        round.take(scalar, of: probe)
        for host in 1...2 {
            let ask = try round.ask()
            #expect(ask.hosts == [host])
            round.take(scalar, of: ask)
        }
        #expect(round.upcoming == nil)
        #expect(round.readings[0] == [.value(5), .value(5), .value(5)])
        #expect(round.askedAlone == [0])
        let later = try self.round(Self.named, askedAlone: round.askedAlone)
        #expect(later.upcoming?.form == .alone)
    }

    @Test func aWrongQueryIsTriedOnceAndNotForEachHost() throws {
        var round = try round("sum((")
        round.take(refusal("bad_data"), of: try round.ask())
        #expect(kinds(round) == [.refused, .refused, .refused])
        #expect(round.upcoming == nil)
        round = try self.round(#"sum((x{a="{host}"}"#)
        round.take(refusal("bad_data"), of: try round.ask())
        round.take(refusal("bad_data"), of: try round.ask())
        #expect(round.upcoming == nil)
        #expect(kinds(round) == [.refused, .refused, .refused])
        #expect(round.askedAlone == [])
        guard case .missing(let gap) = round.readings[0][2] else { return }
        #expect(gap.message.contains("bad_data") && gap.message.contains("1:6: parse error"))
    }

    @Test func oneHostsBrokenDataDoNotTakeTheOthersAlong() throws {
        var round = try round(Self.named)
        round.take(refusal("execution"), of: try round.ask())
        for host in 0...2 {
            let ask = try round.ask()
            #expect(ask.hosts == [host] && ask.form == .alone)
            round.take(host == 1 ? refusal("execution") : vector(#"{"metric":{},"value":[1,"4"]}"#), of: ask)
        }
        #expect(round.upcoming == nil)
        #expect(kinds(round) == [nil, .refused, nil])
        // What broke may be gone by the next time.
        #expect(round.askedAlone == [])
    }

    @Test func aProbeThatFailsOtherwiseLeavesTheOthersTheirChance() throws {
        for failure in [refusal("execution"), .failure(PrometheusGap(.timedOut, "late"))] {
            var round = try round(Self.named)
            round.take(refusal("bad_data"), of: try round.ask())
            round.take(failure, of: try round.ask())
            while let ask = round.next() { round.take(vector(#"{"metric":{},"value":[1,"4"]}"#), of: ask) }
            #expect(!kinds(round).contains(.refused) || kinds(round) == [.refused, nil, nil])
            #expect(kinds(round)[0] != nil)
        }
    }

    @Test(arguments: ["timeout", "canceled", "internal", "unavailable"])
    func whatIsNoFaultOfTheQueryIsNotAskedAgain(type: String) throws {
        let round = try readings(Self.named, refusal(type))
        #expect(kinds(round) == [.refused, .refused, .refused])
    }

    @Test func whatWasNeverAnsweredIsMissing() throws {
        #expect(kinds(try round(Self.named)) == [.timedOut, .timedOut, .timedOut])
    }

    @Test func warningsAreKeptUpToABound() throws {
        let warnings = (0..<50).map { "\"w\($0)\"" }.joined(separator: ",")
        let round = try readings(
            Self.named,
            response(
                #"{"status":"success","warnings":[\#(warnings)],"data":{"resultType":"vector","result":[]},"infos":[]}"#
            ))
        #expect(round.warnings.map(\.text).first == "http://h warns: \"w0\"")
        #expect(round.warnings.count == 10)
    }

    /// Damaged answers are read or refused; they never trap, and give nothing but numbers and reasons.
    @Test func damageDoesNoHarm() throws {
        let body =
            Array(#"{"status":"success","warnings":["w"],"data":{"resultType":"vector","result":["#.utf8)
            + Array(#"{"metric":{"a":"\u00e9\\","slotsync_host":"0"},"value":[1795563047.8,"-1.5e3"]}]}}"#.utf8)
        for place in body.indices {
            for byte in Array("{}[]\",:\\u0-e ".utf8) + [0, 0xc3, 0xff] {
                let damages: [ArraySlice<UInt8>] = [[], [byte], [byte, body[place]], [byte, byte, byte]]
                for damage in damages {
                    var round = try round(Self.named)
                    let damaged = body[..<place] + damage + body[(place + 1)...]
                    round.take(
                        .success(PrometheusResponse(status: 200, body: Array(damaged))), of: try round.ask())
                    for reading in round.readings[0] {
                        if case .value(let value) = reading { #expect(value.isFinite) }
                    }
                }
            }
        }
    }
}

extension PrometheusRound {
    /// The next request, taken; there has to be one.
    fileprivate mutating func ask() throws -> PrometheusAsk {
        let ask = next()
        return try #require(ask)
    }

    /// The next request, not taken.
    fileprivate var upcoming: PrometheusAsk? {
        var copy = self
        return copy.next()
    }
}

/// What was sent never comes back in a message, wherever the server puts it.
@Suite struct PrometheusSecretTests {
    private static let token = #"tok/secret+77"abc"#
    /// Base64 of `deploy:hunter2pass`.
    private static let basic = "ZGVwbG95Omh1bnRlcjJwYXNz"

    private func message(_ body: String, status: Int, _ url: String, _ access: PrometheusAccess) throws -> String {
        let query = try PrometheusQuery(url: url, query: "up", access: access)
        let hosts = PrometheusHosts(try HostList.parse("web[1-3]"))
        var round = PrometheusRound(
            [query], hosts: hosts, askedAlone: [], secrets: [PrometheusSecrets(try query.headers())])
        let next = round.next()
        let ask = try #require(next)
        round.take(.success(PrometheusResponse(status: status, body: Array(body.utf8))), of: ask)
        round.hideSecrets()
        let messages = round.readings[0].map { reading in
            guard case .missing(let gap) = reading else { return "" }
            return gap.message
        }
        return (messages + round.warnings.map(\.text)).joined(separator: "\n")
    }

    @Test(arguments: [
        (#"{"status":"error","errorType":"bad_data","error":"bad token tok/secret+77\"abc"}"#, 200),
        (#"{"status":"error","errorType":"x","error":"bad Bearer tok\/secret+77\"abc"}"#, 400),
        (
            #"{"status":"success","data":{"resultType":"scalar","result":[1,"tok/secret+77\"abc"]},"warnings":["tok\/secret+77\"abc"]}"#,
            200
        ),
        (
            #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"instance":"web1"},"value":[1,"tok/secret+77\"abc"]}]}}"#,
            200
        ),
        (
            #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"instance":"tok/secret+77\"abc"},"value":[1,"1"]}]}}"#,
            200
        ),
        (#"{"no":"API","said":"tok\/secret+77\"abc"}"#, 500),
        ("<p>unknown tok/secret+77&quot;abc</p>", 403), ("see /login?token=tok%2Fsecret%2B77%22abc", 401),
        (String(repeating: "x", count: 190) + #" tok/secret+77"abc"#, 502),
    ])
    func tokens(body: String, status: Int) throws {
        let access = try PrometheusAccess(headers: [("Authorization", "Bearer \(Self.token)")])
        let message = try message(body, status: status, "http://h", access)
        #expect(!message.isEmpty && !message.contains("secret") && !message.contains("77"), "\(message)")
    }

    @Test(arguments: [
        "wrong password for deploy:hunter2pass", "wrong password hunter2pass", "wrong ZGVwbG95Omh1bnRlcjJwYXNz",
        "wrong Basic ZGVwbG95Omh1bnRlcjJwYXNz",
    ])
    func passwords(body: String) throws {
        let message = try message(body, status: 401, "http://deploy:hunter2pass@h", .none)
        #expect(
            message.contains("wrong") && !message.contains("hunter2") && !message.contains(Self.basic), "\(message)")
        let given = try PrometheusAccess(headers: [("Authorization", "Basic \(Self.basic)")])
        #expect(!(try self.message(body, status: 401, "http://h", given).contains("hunter2")))
    }
}
