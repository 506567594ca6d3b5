// The page's colours can be told from their ground, in both schemes (WCAG 2.2, success criteria 1.4.3 and 1.4.11).

import Glibc
import Testing

@testable import Canary
@testable import CanaryReport

@Suite struct ReportStyleTests {
    /// Light and dark: the second declaration of a name is that of the dark scheme.
    private func schemes() -> [[String: [Double]]] {
        var light: [String: [Double]] = [:]
        var dark: [String: [Double]] = [:]
        for match in "\(reportStyle)".matches(of: /--([a-z-]+): #([0-9a-f]{6});/) {
            let name = String(match.1)
            let number = Int(match.2, radix: 16) ?? 0
            let color = [16, 8, 0].map { Double(number >> $0 & 255) / 255 }
            if light[name] == nil { light[name] = color } else if dark[name] == nil { dark[name] = color }
        }
        return [light, dark]
    }

    private func luminance(_ color: [Double]) -> Double {
        let linear = color.map { $0 <= 0.04045 ? $0 / 12.92 : pow(($0 + 0.055) / 1.055, 2.4) }
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }

    private func contrast(_ one: [Double], _ other: [Double]) -> Double {
        let sorted = [luminance(one), luminance(other)].sorted()
        return (sorted[1] + 0.05) / (sorted[0] + 0.05)
    }

    @Test(arguments: [
        ("text", "card", 4.5), ("text", "ground", 4.5), ("text", "sunken", 4.5), ("muted", "card", 4.5),
        ("muted", "ground", 4.5), ("muted", "bad-card", 4.5), ("link", "card", 4.5), ("link", "bad-card", 4.5),
        ("good", "card", 4.5), ("good", "good-card", 4.5), ("bad", "card", 4.5), ("bad", "bad-card", 4.5),
        ("open", "card", 4.5), ("open", "open-card", 4.5), ("text", "good-card", 4.5), ("text", "bad-card", 4.5),
        ("text", "open-card", 4.5), ("canary", "card", 3), ("control", "card", 3), ("flipped", "card", 3),
        ("settle", "card", 3),
    ])
    func colorsCanBeTold(name: String, ground: String, least: Double) throws {
        for scheme in schemes() {
            let ratio = contrast(try #require(scheme[name]), try #require(scheme[ground]))
            #expect(ratio >= least, "\(name) on \(ground)")
        }
    }

    @Test func contrastIsComputedAsItIsDefined() {
        #expect(abs(contrast([0, 0, 0], [1, 1, 1]) - 21) < 1e-9)
        #expect(abs(contrast([119.0 / 255, 119.0 / 255, 119.0 / 255], [1, 1, 1]) - 4.478) < 0.001)
    }
}
