// Keeps docs/protocol.md's example true.

import SystemPackage
import Testing

@testable import SlotSync

@Suite("The protocol's page")
struct ProtocolExampleTests {
    @Test("its example is what the two ends write")
    func example() throws {
        let page = FilePath(#filePath).removingLastComponent().appending("../../../docs/protocol.md")
        let text = String(decoding: try contents(of: page, atMost: 1 << 20, what: "page"), as: UTF8.self)
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("    > ") || $0.hasPrefix("    < ") }
            .map { $0.dropFirst(6).split(separator: " ").compactMap { UInt8($0, radix: 16) } }
        let requests: [Request] = [.hello(Greeting(version: "0.1.0", peer: "ann@desk")), .status]
        let replies: [Reply] = [
            .hello(Greeting(version: "0.1.0", peer: "web1"), nil), .failure(SlotSyncError(.notReady, "no ring yet")),
        ]
        var written: [[UInt8]] = []
        for (request, reply) in zip(requests, replies) {
            for message in [request, reply] as [any WireMessage] {
                var bytes: [UInt8] = []
                message.encode(into: &bytes)
                written.append(bytes)
            }
        }
        #expect(lines == written)
    }

    @Test("its bounds are the program's")
    func bounds() {
        #expect(WireLimits.longestMessage == 4_198_400)
        #expect(WireLimits.longestGreeting == 131_072)
        #expect(WireLimits.longestPart == 1 << 20 && WireLimits.longestTravellingPart == 1 << 20 + 4096)
        #expect(WireLimits.longestManifest == 1 << 30)
        #expect(WireLimits.mostNeedsPerPart == 4096 && WireLimits.mostBasesPerRequest == 65_536)
        #expect(WireLimits.mostSignatureBlocks == 349_525)
        #expect(WireLimits.mostSharedPaths == 1024 && WireLimits.longestPath == 4096)
        #expect(WireLimits.longestHook == 65_536 && WireLimits.longestText == 4096)
        #expect(WireLimits.longestErrorCode == 32 && WireLimits.longestPeerText == 256)
        #expect(ReadingLimits.mostSources == 64 && ReadingLimits.mostReadingsPerSource == 64)
        #expect(ReadingLimits.longestPath == 4096 && ReadingLimits.longestPattern == 4096)
        #expect(ReadingLimits.longestCommand == 16_384 && ReadingLimits.longestName == 64)
        #expect(ReadingLimits.longestReason == 512 && ReadingLimits.longestSampling == .seconds(5))
        #expect(ReadingLimits.intervals == .milliseconds(100)...(.milliseconds(3_600_000)))
        #expect(WireLimits.mostRepairRounds == 3 && SlotVerification.mostLines == 100)
    }
}
