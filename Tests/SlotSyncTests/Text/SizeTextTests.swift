// Amounts of bytes as people read and write them.

import Testing

@testable import SlotSync

@Suite("Sizes as text")
struct SizeTextTests {
    @Test(
        arguments: [
            (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (12_345, "12.3 kB"), (99_949, "99.9 kB"), (99_950, "100 kB"),
            (999_499, "999 kB"), (999_500, "1.0 MB"), (1_234_567_890, "1.2 GB"), (.max, "18,447 PB"),
        ] as [(UInt64, String)])
    func written(bytes: UInt64, text: String) { #expect(byteText(bytes) == text) }

    @Test(
        "letters alone are powers of 1024, with a B powers of 1000",
        arguments: [
            ("0", 0), ("512", 512), ("500M", 500 << 20), ("2G", 2 << 30), ("2g", 2 << 30), ("1k", 1024),
            ("3T", 3 << 40),
            ("300MB", 300_000_000), ("1kB", 1000), ("2gb", 2_000_000_000), ("1TB", 1_000_000_000_000),
            ("18446744073709551615", .max), ("", nil), ("M", nil), ("MB", nil), ("B", nil), ("5B", nil), ("-1", nil),
            ("1.5G", nil), ("2 G", nil), ("1P", nil), ("18446744073709551616", nil), ("17179869184G", nil),
            ("2GiB", nil),
        ] as [(String, UInt64?)])
    func read(text: String, bytes: UInt64?) { #expect(UInt64(byteCount: text) == bytes) }

    @Test("whole units read back as they were written")
    func readsBack() {
        for (unit, bytes) in [("kB", 1000 as UInt64), ("MB", 1_000_000), ("GB", 1_000_000_000)] {
            for count in 100...999 as ClosedRange<UInt64> {
                #expect(byteText(count * bytes) == "\(count) \(unit)")
                #expect(UInt64(byteCount: "\(count)\(unit)") == count * bytes)
            }
        }
    }
}
