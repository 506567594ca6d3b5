// Makes files of patch frames as they come: straight into the slot, hashed while they are written. What does not have its
// digest at the end is removed again, or was never there, and is asked for in the repair round.

import Glibc
import SystemPackage

/// Applies the frames of one stage on a host.
final class FrameApplier {
    private let filler: SlotFiller
    private let progress: AgentProgress
    /// What was asked for, by entry, and which of it has come.
    private var needs: [Need] = []
    private var hasCome: [Bool] = []
    private var missing = 0
    private var open: [Int: FileInPieces] = [:]
    private var inflater = Inflater()
    private let maker = ContentMaker()
    private(set) var damaged: [Int] = []
    private(set) var receivedFiles = 0

    /// A file that comes in several pieces.
    private final class FileInPieces {
        let file: FileDescriptor
        let basis: BasisFile?
        var hasher = ContentDigest.Hasher()
        var written: UInt64 = 0

        init(_ file: FileDescriptor, basis: BasisFile?) {
            self.file = file
            self.basis = basis
        }

        deinit { try? file.close() }

        func digest() -> ContentDigest { hasher.digest() }
        func update(_ bytes: UnsafeRawBufferPointer) { hasher.update(bytes) }
    }

    init(filler: SlotFiller, needs: [Need], progress: AgentProgress) {
        self.filler = filler
        self.progress = progress
        expect(needs)
    }

    /// Awaits these needs, sorted by entry: at the start, and again for the repair round.
    func expect(_ needs: [Need]) {
        self.needs = needs
        hasCome = [Bool](repeating: false, count: needs.count)
        missing = needs.count
        damaged = []
    }

    /// The place among the needs of one that is still awaited.
    private func awaited(_ entry: Int) -> Int? {
        var range = 0..<needs.count
        while !range.isEmpty {
            let middle = (range.lowerBound + range.upperBound) / 2
            let found = Int(needs[middle].entry)
            if found == entry { return hasCome[middle] ? nil : middle }
            range = found < entry ? middle + 1..<range.upperBound : range.lowerBound..<middle
        }
        return nil
    }

    /// Applies one frame.
    func apply(_ frame: DeflatedPart) throws {
        guard frame.length <= PatchFrameLimits.longestFrame else {
            throw SlotSyncError(.protocolViolation, "a patch frame of \(frame.length) bytes is too large")
        }
        var bytes = frame.bytes
        if frame.isDeflated {
            var inflated: [UInt8] = []
            try frame.bytes.withUnsafeBytes { try inflater.inflate($0, into: &inflated, exactly: frame.length) }
            bytes = inflated
        }
        var reader = InstructionReader(ByteReader(bytes, name: "a patch frame"))
        while !reader.reader.isAtEnd {
            let item = try reader.reader.patchItem()
            try apply(item, &reader)
        }
    }

    private func apply(_ item: PatchItem, _ reader: inout InstructionReader) throws {
        let index = item.entry
        guard index < filler.target.count, let place = awaited(index) else {
            throw SlotSyncError(.protocolViolation, "a patch frame holds entry \(index), which was not asked for")
        }
        let entry = filler.target.entries[index]
        guard item.offset <= entry.size, item.length <= entry.size - item.offset else {
            throw SlotSyncError(.protocolViolation, "a patch frame makes more of entry \(index) than there is")
        }
        do {
            if item.length == entry.size, item.length <= UInt64(ContentMaker.bufferSize), !entry.isSparse,
                open[index] == nil
            {
                try makeWhole(item, entry, place, &reader)
            } else {
                try makePiece(item, entry, place, &reader)
            }
        } catch { throw filler.failure("write", index, error) }
    }

    private func openBasis(_ item: PatchItem, _ place: Int) throws -> BasisFile? {
        guard item.usesBasis, let digest = needs[place].basis else { return nil }
        return BasisFile(try filler.plan.bases[digest].flatMap { try filler.sources.open($0) })
    }

    // MARK: In one piece

    /// Makes a file that fits the buffer: nothing of it is on the disk before its digest is right.
    private func makeWhole(_ item: PatchItem, _ entry: Entry, _ place: Int, _ reader: inout InstructionReader) throws {
        let isRight = try maker.whole(item, from: openBasis(item, place), &reader) { content in
            guard ContentDigest(of: content) == entry.digest else { return false }
            let file = try filler.tree.openFile(item.entry, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            defer { try? file.close() }
            try file.writeFully(content, at: 0)
            progress.add(files: 0, bytes: UInt64(content.count))
            try filler.attributes.finish(file, item.entry)
            return true
        }
        end(item.entry, place, isRight: isRight)
    }

    private func end(_ index: Int, _ place: Int, isRight: Bool) {
        hasCome[place] = true
        missing -= 1
        if isRight {
            receivedFiles += 1
            progress.add(files: 1, bytes: 0)
        } else {
            damaged.append(index)
        }
    }

    // MARK: In several pieces

    private func makePiece(_ item: PatchItem, _ entry: Entry, _ place: Int, _ reader: inout InstructionReader) throws {
        if item.offset == 0 { try begin(item, place) }
        guard let file = open[item.entry], file.written == item.offset else {
            throw SlotSyncError(.protocolViolation, "the pieces of entry \(item.entry) come in the wrong order")
        }
        let writeHole = { [progress] (length: UInt64) in
            ZeroRun.forEachPiece(of: length) { file.update($0) }
            file.written += length
            try file.file.setLength(Int64(file.written))
            progress.add(files: 0, bytes: length)
        }
        try maker.pieces(of: item, from: file.basis, &reader, writeHole: entry.isSparse ? writeHole : nil) { bytes in
            file.update(bytes)
            try file.file.writeFully(bytes, at: Int64(file.written))
            file.written += UInt64(bytes.count)
            progress.add(files: 0, bytes: UInt64(bytes.count))
        }
        guard file.written == entry.size else { return }
        open[item.entry] = nil
        let isRight = file.digest() == entry.digest
        if isRight {
            try filler.attributes.finish(file.file, item.entry)
        } else {
            let parent = try filler.tree.parent(of: item.entry)
            try filler.target.withName(of: item.entry) { name in try parent.remove(name) }
        }
        end(item.entry, place, isRight: isRight)
    }

    private func begin(_ item: PatchItem, _ place: Int) throws {
        guard open.count < PatchFrameLimits.mostOpenItems, open[item.entry] == nil else {
            throw SlotSyncError(.protocolViolation, "too many files are begun at once")
        }
        let basis = try openBasis(item, place)
        let file = try filler.tree.openFile(item.entry, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        open[item.entry] = FileInPieces(file, basis: basis)
    }

    /// Checks that all that was awaited came.
    func finish() throws {
        guard missing > 0, let first = hasCome.firstIndex(of: false) else { return }
        throw SlotSyncError(
            .protocolViolation,
            "the patch ended, but \(missing) files are missing (entry \(needs[first].entry) is the first)")
    }
}
