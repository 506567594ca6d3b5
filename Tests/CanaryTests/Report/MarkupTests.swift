// Text that came from anywhere stands in the page as text.

import Testing

@testable import Canary
@testable import CanaryReport

@Suite struct MarkupTests {
    private func page(_ text: String) -> String {
        var page = Markup()
        page.element("p", ["title": text], text)
        return page.html
    }

    @Test(arguments: [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("\" onmouseover='x()", "&quot; onmouseover=&#39;x()"),
        ("a & b &lt; c", "a &amp; b &amp;lt; c"),
        ("]]>-->", "]]&gt;--&gt;"),
        ("déjà vu, 日本, 🐤", "déjà vu, 日本, 🐤"),
        ("plain", "plain"),
        ("", ""),
    ])
    func signsThatMeanSomethingAreEscaped(text: String, expected: String) {
        #expect(page(text) == "<p title=\"\(expected)\">\(expected)</p>")
    }

    @Test(arguments: [
        "\u{0}", "\u{1b}[31m", "\u{7f}", "\u{85}", "\u{202e}", "\u{feff}", "\u{fffe}", "\u{e000}", "\n", "\t",
    ])
    func whatIsInvisibleIsSpelledOut(text: String) {
        let shown = Markup.escaped("a\(text)b")
        #expect(shown.hasPrefix("a\\") && shown.hasSuffix("b"))
        #expect(shown.utf8.allSatisfy { (0x20...0x7e).contains($0) })
    }

    @Test func bytesThatAreNoTextCannotCloseAnElement() {
        let text = String(decoding: [0xc0, 0xbc, 0xff, 0x3c, 0x2f, 0x70, 0x3e, 0xed, 0xa0, 0x80], as: UTF8.self)
        #expect(Markup.escaped(text).filter { $0 == "<" || $0 == ">" }.isEmpty)
    }

    @Test func textThatIsTooLongIsCut() {
        let shown = Markup.escaped(String(repeating: "<", count: 100_000))
        #expect(shown == String(repeating: "&lt;", count: Markup.longestText) + "…")
        let plain = Markup.escaped(String(repeating: "a", count: Markup.longestText + 1))
        #expect(plain == String(repeating: "a", count: Markup.longestText) + "…")
    }

    @Test func linesStandOneBelowTheOther() {
        var page = Markup()
        page.lines("one\r\ntwo\n<three>")
        #expect(page.html == "one<br/>two<br/>&lt;three&gt;")
    }

    @Test func elementsNest() {
        var page = Markup()
        page.element("ul") { list in
            list.element("li", ["class": "a"], "1")
            list.empty("br")
            list.literal("<hr/>")
        }
        #expect(page.html == "<ul><li class=\"a\">1</li><br/><hr/></ul>")
    }

    @Test(
        arguments: [(12.345, "12.35"), (-0.1, "-0.1"), (100, "100"), (0.004, "0"), (.nan, "0")] as [(Double, String)])
    func attributesHavePlainNumbers(value: Double, expected: String) { #expect(Markup.number(value) == expected) }
}
