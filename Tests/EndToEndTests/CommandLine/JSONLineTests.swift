// What `--json` writes is JSON, whatever is in it.

import Foundation
@testable import SlotSync
import Testing

@testable import slotsync

@Suite("JSON lines")
struct JSONLineTests {
    @Test("members keep their order, and nothing is null")
    func order() {
        let value: JSONValue = [
            "event": "host", "live": .null, "a": [.number(1), .bool(true)], "s": .seconds(.milliseconds(1050)),
        ]
        #expect(value.line == #"{"event":"host","live":null,"a":[1,true],"s":1.050}"#)
    }

    @Test(
        "text comes back as it was, on one line, with nothing in it that a terminal obeys",
        arguments: [
            "plain", "quote \" and \\ backslash", "line\nbreak\r\t", "\u{1b}[31mred\u{7}", "\u{9b}2J", "\u{202e}right",
            "\u{2028}", "é, 日本, 🦆", "\u{e0001}tag", "\u{0}", "",
        ])
    func text(_ text: String) throws {
        let line = JSONValue.text(text).line
        #expect(line.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
        let read = try JSONSerialization.jsonObject(with: Data("[\(line)]".utf8)) as? [String]
        #expect(read == [text])
    }

    @Test("seconds keep the places that are asked for")
    func seconds() {
        #expect(JSONValue.seconds(.milliseconds(50)).line == "0.050")
        #expect(JSONValue.seconds(.nanoseconds(1_700_000_000_000_005_999), places: 6).line == "1700000000.000005")
        #expect(JSONValue.seconds(.nanoseconds(-500_000_000), places: 6).line == "-0.500000")
        #expect(JSONValue.seconds(.nanoseconds(Int64.min), places: 6).line == "-9223372036.854775")
        #expect(JSONValue.seconds(.seconds(Int64.min)).line == "-9223372036854775808.000")
    }

    @Test("a change that rounding alone has made is none; what is no number is null")
    func effects() {
        let effects = [-2.8e-17, 9e-13, -2e-12, 0.25, .nan, nil].map { JSONValue.effect($0).line }
        #expect(effects == ["0", "0", "-2e-12", "0.25", "null", "null"])
    }

    @Test("the summary has what scripts ask for, also when nothing was done")
    func summary() throws {
        let conclusion = Conclusion(status: .failed, hosts: 3, failed: 3)
        let line = conclusion.json(command: "stage", duration: .seconds(2)).line
        let read = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(read["event"] as? String == "summary")
        #expect(read["exit_code"] as? Int == 1)
        #expect(read["release"] is NSNull)
        #expect(read["sent_bytes"] as? Int == 0)
        #expect(read["failed"] as? Int == 3)
    }
}
