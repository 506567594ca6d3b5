// Small bars in a terminal.

import Canary
import Testing

@testable import slotsync

@Suite struct SparklineTests {
    @Test func barsRiseWithTheirValues() {
        #expect(Sparkline.text([0, 1, 2, 3, 4, 5, 6, 7], width: 8) == "▁▂▃▄▅▆▇█")
        #expect(Sparkline.text([0, 1, 2, 3, 4, 5, 6, 7], width: 8, style: .ascii) == "_.-:=+*#")
    }

    @Test func aMissingValueIsABlank() { #expect(Sparkline.text([0, .nan, 10, .infinity], width: 4) == "▁ █ ") }

    @Test func fewerValuesLeaveTheRestBlank() { #expect(Sparkline.text([0, 1], width: 5) == "▁█   ") }

    @Test func moreValuesAreAveraged() { #expect(Sparkline.text([0, 0, .nan, .nan, 7, 7, 1, 13], width: 4) == "▁ ██") }

    @Test func allTheSameIsLevel() {
        #expect(Sparkline.text([3, 3], width: 2) == "▅▅")
        #expect(Sparkline.text([0, 0], width: 2) == "▁▁")
    }

    @Test func aRangeIsKeptTo() {
        #expect(Sparkline.text([-5, 0, 50, 100, 900], width: 5, range: 0...100) == "▁▁▅██")
        #expect(Sparkline.text([0, 0], width: 2, range: 0...0) == "▁▁")
    }

    @Test(arguments: [-3, 0, 1, 7, 300])
    func itIsAsWideAsItIsTold(width: Int) {
        for values in [[], [.nan], [1], [-1e308, 1e308], (0..<1_000).map(Double.init)] as [[Double]] {
            #expect(Sparkline.text(values, width: width).count == max(width, 0))
        }
    }
}
