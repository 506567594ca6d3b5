// Patch frames, applied to a real slot as an agent does. The controller may be anybody: nothing lands outside of what was asked
// for, and no file stays that is not right.

import Glibc
import SystemPackage

@testable import SlotSync

let patchTargets = [
    FuzzTarget(name: "patch", longest: 6000) {
        try [0, 6].map { level in try PatchScene.shared.seed(level: level) } + [[1] + PatchScene.shared.pieces()]
    } run: { bytes in
        PatchScene.shared.apply(bytes)
    }
]

/// A slot that waits for two files, of which one has a basis.
private final class PatchScene {
    nonisolated(unsafe) static let shared = PatchScene()

    private let bench: FillBench
    private let fill: FillBench.Fill

    private init() {
        do {
            let time = Timestamp(seconds: 9, nanoseconds: 9)
            func model(_ small: [UInt8], _ large: [UInt8]) -> ReleaseModel {
                var model = ReleaseModel()
                model.nodes[""] = .init(kind: .directory, mode: 0o755, modified: time)
                model.nodes["dir"] = .init(kind: .directory, mode: 0o755, modified: time)
                model.nodes["dir/small"] = .init(kind: .file(small), mode: 0o644, modified: time)
                model.nodes["large"] = .init(kind: .file(large), mode: 0o644, modified: time)
                return model
            }
            bench = try FillBench(slotCount: 2)
            let old = basisBytes + basisBytes
            try bench.stage(bench.source(model([1, 2, 3], old)))
            try bench.flip()
            fill = try bench.begin(bench.source(model(Array("small".utf8), old.dropLast(300) + [4, 5, 6])))
            try fill.filler.prepare()
        } catch { fatalError("no slot can be made: \(error)") }
    }

    /// The frames that a controller would send, each with its length and whether it is deflated.
    func seed(level: Int) throws -> [UInt8] {
        try bench.frames(fill.plan.needs, of: fill, level: level).reduce(into: [1]) { bytes, frame in
            bytes +=
                [frame.isDeflated ? 1 : 0, UInt8(frame.length >> 8), UInt8(frame.length & 0xff)] + piece(frame.bytes)
        }
    }

    /// The large file in two pieces.
    func pieces() -> [UInt8] {
        let index = fill.plan.needs.map { Int($0.entry) }.max {
            fill.target.entries[$0].size < fill.target.entries[$1].size
        }
        guard let index else { return [] }
        let (half, size) = (1000, Int(fill.target.entries[index].size))
        var writer = ByteWriter()
        for range in [0..<half, half..<size] {
            writer.append(
                PatchItem(entry: index, usesBasis: true, offset: UInt64(range.lowerBound), length: UInt64(range.count)))
            var instructions = InstructionWriter()
            basisBytes.withUnsafeBytes {
                instructions.append(.copy(from: 0, length: UInt64(range.count / 2)), of: $0)
                instructions.append(.literal(at: 0, length: range.count - range.count / 2), of: $0)
            }
            instructions.endItem()
            writer.append(instructions.takeBytes())
        }
        return [0, UInt8(writer.count >> 8), UInt8(writer.count & 0xff)] + piece(writer.bytes)
    }

    func apply(_ bytes: [UInt8]) -> Bool {
        var input = FuzzInput(bytes)
        let applier = FrameApplier(writer: fill.filler.writer, sources: fill.filler.sources, needs: fill.plan.needs)
        // Whether frames are as a session bounds them.
        let isBounded = input.byte() & 1 != 0
        var isApplied = true
        while isApplied, !input.rest.isEmpty {
            let isDeflated = input.byte() & 1 != 0
            let length = Int(input.byte()) << 8 | Int(input.byte())
            let bytes = input.piece()
            let frame = DeflatedPart(
                length: isDeflated || !isBounded ? length : bytes.count, isDeflated: isDeflated, bytes: bytes)
            isApplied = accepted { () throws(SlotSyncError) in try applier.apply(frame) } != nil
        }
        let isWhole = accepted { () throws(SlotSyncError) in try applier.finish() } != nil
        check(applier, isWhole: isApplied && isWhole)
        return isApplied
    }

    /// Whatever came, a file that counts as made has its digest; then the slot is as before.
    private func check(_ applier: FrameApplier, isWhole: Bool) {
        let (slot, writer) = (fill.slot, fill.filler.writer)
        demand(applier.receivedFiles + applier.damaged.count <= fill.plan.needs.count, "a file is counted twice")
        var found = 0
        for need in fill.plan.needs {
            let index = Int(need.entry)
            if let file = try? writer.tree.openFile(index, O_RDONLY) {
                defer { try? file.close() }
                if (try? file.contentDigest(AgentProgress())) == slot.target.entries[index].digest { found += 1 }
            }
            do { try writer.remove(index) } catch { fatalError("\(error)") }
        }
        demand(found >= applier.receivedFiles, "a file is received, and is not there")
        if isWhole {
            demand(found + applier.damaged.count == fill.plan.needs.count, "a stage is whole, and a file is not there")
        }
    }
}

/// A folder in memory where there is one; it stays until the fuzzer's folder is removed.
struct TemporaryFolder: Sendable {
    private let root: FilePath

    init() throws {
        var template = Array("\(temporaryFolder)/slotsync-fuzz-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw SlotSyncError(.system, "no folder can be made in \(temporaryFolder)")
        }
        root = FilePath(platformString: template)
    }

    func path(_ name: String) -> FilePath { name.isEmpty ? root : root.appending(name) }

    func remove() {}
}
