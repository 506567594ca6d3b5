// Makes files of patch frames as they come: straight into the slot, digested while they are written. A file that does
// not have its digest in the end, or whose basis cannot be read, is removed again or never made: it counts as
// damaged, and SlotFiller asks for it once more.

import Glibc
import SystemPackage

/// Applies the frames of one stage on a host.
final class FrameApplier {
    private let writer: SlotWriter
    private let sources: SlotSources
    private let progress: AgentProgress
    /// The needs of this round, sorted by entry, and which of them are met.
    private var needs: [Need] = []
    private var hasCome: [Bool] = []
    private var missing = 0
    private var open: [Int: FileInPieces] = [:]
    private var inflater = Inflater()
    private let maker = ContentMaker()
    private(set) var damaged: [Int] = []
    private(set) var receivedFiles = 0

    /// Runs of zeros from here on become holes in files that had holes at their source.
    private static let shortestHole: UInt64 = 4096

    /// A file that comes in several pieces.
    private final class FileInPieces {
        let file: FileDescriptor
        let output: ContentOutput
        let basis: BasisFile?
        /// Where the next piece begins.
        var end: UInt64 = 0
        /// The basis could not be read: the pieces that follow are not worth writing.
        var lacksBasis = false

        init(_ file: FileDescriptor, output: ContentOutput, basis: BasisFile?) {
            self.file = file
            self.output = output
            self.basis = basis
        }

        deinit { try? file.close() }
    }

    init(writer: SlotWriter, sources: SlotSources, needs: [Need]) {
        self.writer = writer
        self.sources = sources
        progress = writer.slot.progress
        expect(needs)
    }

    /// Begins a round with these needs, sorted by entry.
    func expect(_ needs: [Need]) {
        self.needs = needs
        hasCome = [Bool](repeating: false, count: needs.count)
        missing = needs.count
        damaged = []
    }

    /// The index among the needs of one that is not met yet.
    private func awaited(_ entry: Int) -> Int? {
        guard let index = needs.index(of: entry, sortedBy: { Int($0.entry) }) else { return nil }
        return hasCome[index] ? nil : index
    }

    /// Applies one frame.
    func apply(_ frame: DeflatedPart) throws(SlotSyncError) {
        guard frame.length <= PatchFrameLimits.longestFrame else {
            throw SlotSyncError(.protocolViolation, "a patch frame of \(frame.length) bytes is too large")
        }
        var instructions = InstructionReader(ByteReader(try frame.inflated(by: &inflater), name: "a patch frame"))
        while !instructions.reader.isAtEnd {
            let item = try instructions.reader.patchItem()
            try apply(item, &instructions)
        }
    }

    private func apply(_ item: PatchItem, _ instructions: inout InstructionReader) throws(SlotSyncError) {
        let index = item.entry
        guard index < writer.slot.target.count, let need = awaited(index) else {
            throw SlotSyncError(.protocolViolation, "a patch frame holds entry \(index), which was not asked for")
        }
        let entry = writer.slot.target.entries[index]
        guard item.offset <= entry.size, item.length <= entry.size - item.offset else {
            throw SlotSyncError(.protocolViolation, "a patch frame makes more of entry \(index) than there is")
        }
        let isWhole = item.length == entry.size && item.length <= UInt64(ContentMaker.bufferSize)
        if isWhole, !entry.isSparse, open[index] == nil {
            try makeWhole(item, entry, need, &instructions)
        } else {
            try makePiece(item, entry, need, &instructions)
        }
    }

    private func basis(of item: PatchItem, _ need: Int) -> BasisFile? {
        guard item.usesBasis, let digest = needs[need].basis else { return nil }
        return sources.basis(digest)
    }

    /// Runs the maker.
    ///
    /// - Returns: nil if the basis cannot be read, or has not what is copied: the pair is encoded once, after what the first
    ///   host of many has said of the basis.
    private func making<Made>(
        _ item: PatchItem, _ make: () throws(ContentFailure) -> Made
    ) throws(SlotSyncError) -> Made? {
        do { return try make() } catch {
            switch error {
            case .instructions(let error): throw error
            case .output(let errno): throw writer.slot.failure("write", item.entry, errno)
            case .basis, .outside: return nil
            }
        }
    }

    private func end(_ index: Int, _ need: Int, isRight: Bool) {
        hasCome[need] = true
        missing -= 1
        if isRight {
            receivedFiles += 1
            progress.add(files: 1, bytes: 0)
        } else {
            damaged.append(index)
        }
    }

    // MARK: In one piece

    /// Makes a file that fits the buffer: nothing of it is on the disk before its digest is right.
    private func makeWhole(
        _ item: PatchItem, _ entry: Entry, _ need: Int, _ instructions: inout InstructionReader
    ) throws(SlotSyncError) {
        let basis = basis(of: item, need)
        let content = try making(item) { () throws(ContentFailure) in
            try maker.whole(item.length, from: basis, &instructions)
        }
        guard let content, ContentDigest(of: content) == entry.digest else {
            return end(item.entry, need, isRight: false)
        }
        let file = try writer.makeFile(item.entry)
        defer { try? file.close() }
        try writer.slot.attempt("write", item.entry) { () throws(Errno) in try file.writeFully(content) }
        progress.add(files: 0, bytes: item.length)
        try writer.finish(file, item.entry)
        end(item.entry, need, isRight: true)
    }

    // MARK: In several pieces

    private func makePiece(
        _ item: PatchItem, _ entry: Entry, _ need: Int, _ instructions: inout InstructionReader
    ) throws(SlotSyncError) {
        if item.offset == 0 { try begin(item, entry, need) }
        guard let file = open[item.entry], file.end == item.offset else {
            throw SlotSyncError(.protocolViolation, "the pieces of entry \(item.entry) come in the wrong order")
        }
        if file.lacksBasis {
            try instructions.skipItem(contentLength: item.length, basisLength: file.basis?.length)
        } else {
            let made: Void? = try making(item) { () throws(ContentFailure) in
                try maker.append(item.length, from: file.basis, &instructions, to: file.output)
            }
            file.lacksBasis = made == nil
        }
        file.end += item.length
        guard file.end == entry.size else { return }
        open[item.entry] = nil
        let isRight = try isRight(file, item, entry)
        if isRight { try writer.finish(file.file, item.entry) } else { try writer.remove(item.entry) }
        end(item.entry, need, isRight: isRight)
    }

    private func isRight(_ file: FileInPieces, _ item: PatchItem, _ entry: Entry) throws(SlotSyncError) -> Bool {
        guard !file.lacksBasis else { return false }
        do { return try file.output.finish() == entry.digest } catch {
            throw writer.slot.failure("write", item.entry, error)
        }
    }

    private func begin(_ item: PatchItem, _ entry: Entry, _ need: Int) throws(SlotSyncError) {
        guard open.count < PatchFrameLimits.mostOpenItems, open[item.entry] == nil else {
            throw SlotSyncError(.protocolViolation, "too many files are begun at once")
        }
        let basis = basis(of: item, need)
        let file = try writer.makeFile(item.entry)
        let output = ContentOutput(file, shortestHole: entry.isSparse ? Self.shortestHole : nil) { [progress] bytes in
            progress.add(files: 0, bytes: bytes)
        }
        open[item.entry] = FileInPieces(file, output: output, basis: basis)
    }

    /// Ends a round: all needs have to be met.
    func finish() throws(SlotSyncError) {
        guard missing > 0, let first = hasCome.firstIndex(of: false) else { return }
        throw SlotSyncError(
            .protocolViolation,
            "the patch ended, but \(missing) files are missing (entry \(needs[first].entry) is the first)")
    }
}
