// Deltas are no larger than rdiff's, where rdiff is installed: a check that matches are found, on content which
// is edited as source files are.

import Glibc
import SystemPackage
import Testing

@testable import SlotSync

struct DeltaSizeTests {
    private static let rdiff = "/usr/bin/rdiff"

    @Test(.enabled(if: access(rdiff, X_OK) == 0), arguments: [20_000, 300_000, 3_000_000])
    func deltaIsNoLargerThanRdiffs(length: Int) throws {
        var generator = SeededGenerator(seed: UInt64(length))
        let words = (0..<500).map { _ in generator.bytes(2 + generator.below(9)).map { 97 + $0 % 26 } + [32] }
        var basis: [UInt8] = []
        while basis.count < length { basis += words[generator.below(words.count)] }
        let content = edited(basis, edits: 10, using: &generator)

        let encoder = DeltaEncoder(try Signature(of: basis))
        var writer = InstructionWriter()
        content.withUnsafeBytes { writer.append(encoder.instructions(for: content), of: $0) }
        writer.endItem()
        #expect(Double(writer.takeBytes().count) <= 1.2 * Double(try rdiffDeltaLength(basis: basis, content: content)))
    }

    private func rdiffDeltaLength(basis: [UInt8], content: [UInt8]) throws -> Int {
        var folder = Array("/tmp/slotsync-rdiff.XXXXXX".utf8CString)
        try #require(mkdtemp(&folder) != nil)
        let path = folder.withUnsafeBufferPointer { String(cString: $0.baseAddress.unsafelyUnwrapped) }
        defer {
            for name in ["basis", "content", "signature", "delta"] { unlink("\(path)/\(name)") }
            rmdir(path)
        }
        for (name, bytes) in [("basis", basis), ("content", content)] {
            let file = try FileDescriptor.open(
                "\(path)/\(name)", .writeOnly, options: .create, permissions: .ownerReadWrite)
            try file.closeAfter { _ = try file.writeAll(bytes) }
        }
        let commands =
            "\(Self.rdiff) signature \(path)/basis \(path)/signature"
            + " && \(Self.rdiff) delta \(path)/signature \(path)/content \(path)/delta"
        try #require(system(commands) == 0)
        var status = stat()
        try #require(stat("\(path)/delta", &status) == 0)
        return Int(status.st_size)
    }
}
