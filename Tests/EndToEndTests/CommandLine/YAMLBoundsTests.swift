// A small configuration that means a large one is refused, and says where.

import SlotSync
import Testing

@testable import slotsync

@Suite("The bounds of a configuration's YAML")
struct YAMLBoundsTests {
    @Test("what people write passes")
    func usual() {
        for text in [
            "", "# nothing\n", "root: /srv/www\nhosts: [web1, web2]\n", "a: &x {b: c}\nd: *x\ne: [*x, *x]\n",
            "a: b: c", "*unknown", "a: [",
        ] {
            #expect(YAMLBounds.problem(in: text) == nil, "\(text)")
        }
    }

    @Test("aliases that multiply are refused, as values and as keys, and so are keys that are no text")
    func aliases() throws {
        func doubled(_ levels: Int, _ form: (Int) -> String) -> String {
            "a0: &a0 x\n" + (1...levels).map { "a\($0): &a\($0) \(form($0 - 1))\n" }.joined()
        }
        let values = doubled(40) { "[*a\($0), *a\($0)]" }
        #expect(values.utf8.count < 1500)
        let problem = try #require(YAMLBounds.problem(in: values))
        #expect((20...24).contains(problem.line) && problem.what.contains("aliases"), "\(problem)")
        #expect(YAMLBounds.problem(in: doubled(5) { "[*a\($0), *a\($0)]" }) == nil)
        let long =
            "a: &a " + String(repeating: "x", count: 500_000) + "\nb: [" + String(repeating: "*a, ", count: 20) + "]"
        #expect(YAMLBounds.problem(in: long)?.line == 2)
        for text in [doubled(40) { "{*a\($0) : 1}" }, "a: &a b\n*a : c\n"] {
            #expect(YAMLBounds.problem(in: text)?.what == "an alias cannot be a key", "\(text)")
        }
        for text in [doubled(40) { "{[*a\($0), *a\($0)] : 1}" }, "? [a]\n: b\n", "{{a: b}: c}\n"] {
            #expect(YAMLBounds.problem(in: text)?.what == "a key has to be plain text", "\(text)")
        }
        let error = #expect(throws: SlotSyncError.self) {
            _ = try Configuration(parsing: doubled(40) { "{[*a\($0), *a\($0)] : 1}" }, file: "slotsync.yml")
        }
        #expect(error?.message == "slotsync.yml:2: a key has to be plain text")
    }

    @Test("levels are bounded")
    func deep() {
        func lists(_ levels: Int) -> String {
            String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        }
        // The parser's own bound ends it, before it tells of the first list.
        #expect(throws: SlotSyncError.self) {
            _ = try Configuration(parsing: String(repeating: "[", count: 1_000_000), file: "slotsync.yml")
        }
        let unclosed = [("{a: ", 250_000), ("- ", 100)].map { String(repeating: $0, count: $1) }
        for text in unclosed + [lists(YAMLBounds.deepest + 1)] {
            let what = YAMLBounds.problem(in: text)?.what
            #expect(what == "more than \(YAMLBounds.deepest) levels", "\(text.prefix(10)) of \(text.count)")
        }
        #expect(YAMLBounds.problem(in: lists(YAMLBounds.deepest)) == nil)
    }
}
