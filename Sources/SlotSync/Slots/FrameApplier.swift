// Makes files of patch frames as they come: straight into the slot, hashed while they are written. What
// does not have its digest at the end is removed again and asked for in the repair round.

import Glibc
import SystemPackage

/// Applies the frames of one stage on a host.
final class FrameApplier {
    private static let bufferSize = 256 * 1024
    private static let zeros = [UInt8](repeating: 0, count: 64 * 1024)

    private let filler: SlotFiller
    private let progress: AgentProgress
    /// What is still awaited: entry → proposed basis.
    private var awaited: [Int: ContentDigest?] = [:]
    private var open: [Int: OpenItem] = [:]
    private var inflater = Inflater()
    private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferSize, alignment: 64)
    private(set) var damaged: [Int] = []
    private(set) var receivedFiles = 0

    /// A file that is being written.
    private final class OpenItem {
        let file: FileDescriptor
        var basis: BasisReader?
        let basisLength: UInt64
        var hasher = ContentDigest.Hasher()
        /// Content that is in the file, and content that is in the buffer behind it.
        var written: UInt64 = 0

        init(file: FileDescriptor, basis: FileDescriptor?, basisLength: UInt64) {
            self.file = file
            self.basis = basis.map { BasisReader($0) }
            self.basisLength = basisLength
        }

        deinit {
            try? file.close()
            try? basis?.file.close()
        }

        func digest() -> ContentDigest { hasher.digest() }
        func update(_ bytes: UnsafeRawBufferPointer) { hasher.update(bytes) }
    }

    init(filler: SlotFiller, needs: [Need], progress: AgentProgress) {
        self.filler = filler
        self.progress = progress
        expect(needs)
    }

    deinit { buffer.deallocate() }

    /// Awaits these needs: at the start, and again for the repair round.
    func expect(_ needs: [Need]) {
        for need in needs { awaited[Int(need.entry)] = .some(need.basis) }
        damaged = []
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
        guard index < filler.target.count, let proposed = awaited[index] else {
            throw SlotSyncError(.protocolViolation, "a patch frame holds entry \(index), which was not asked for")
        }
        let entry = filler.target.entries[index]
        guard item.offset <= entry.size, item.length <= entry.size - item.offset else {
            throw SlotSyncError(.protocolViolation, "a patch frame makes more of entry \(index) than there is")
        }
        do {
            if item.offset == 0 { try begin(index, basis: item.usesBasis ? proposed : nil) }
            guard let file = open[index], file.written == item.offset else {
                throw SlotSyncError(.protocolViolation, "the pieces of entry \(index) come in the wrong order")
            }
            try write(item, to: file, isSparse: entry.isSparse, &reader)
            if file.written == entry.size { try end(index, file) }
        } catch { throw filler.failure("write", index, error) }
    }

    private func begin(_ index: Int, basis digest: ContentDigest?) throws {
        guard open.count < PatchFrameLimits.mostOpenItems, open[index] == nil else {
            throw SlotSyncError(.protocolViolation, "too many files are begun at once")
        }
        var basis: FileDescriptor?
        if let digest, let location = filler.plan.bases[digest] { basis = try filler.open(location) }
        // A basis that is gone shows as a digest that is wrong, and so comes again in the repair round.
        do {
            let length = try basis?.status().size ?? UInt64(Int64.max)
            let file = try filler.tree.openFile(index, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            open[index] = OpenItem(file: file, basis: basis, basisLength: digest == nil ? 0 : length)
        } catch {
            try? basis?.close()
            throw error
        }
    }

    private func write(_ item: PatchItem, to file: OpenItem, isSparse: Bool, _ reader: inout InstructionReader) throws {
        reader.beginItem(contentLength: item.length, basisLength: file.basisLength)
        var filled = 0
        func flush() throws {
            guard filled > 0 else { return }
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<filled])
            file.update(bytes)
            try file.file.writeFully(bytes, at: Int64(file.written))
            file.written += UInt64(filled)
            progress.add(files: 0, bytes: UInt64(filled))
            filled = 0
        }
        func copy(_ offset: UInt64, _ length: UInt64, adding differences: UnsafeRawBufferPointer? = nil) throws {
            var done: UInt64 = 0
            while done < length {
                if filled == buffer.count { try flush() }
                let count = min(Int(length - done), buffer.count - filled)
                let part = UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<filled + count])
                let read = try file.basis?.read(at: offset + done, into: part) ?? 0
                // A basis that is too short shows as a digest that is wrong.
                UnsafeMutableRawBufferPointer(rebasing: part[read...]).initializeMemory(as: UInt8.self, repeating: 0)
                if let differences {
                    part.add(UnsafeRawBufferPointer(rebasing: differences[Int(done)..<Int(done) + count]))
                }
                filled += count
                done += UInt64(count)
            }
        }
        while true {
            switch try reader.next() {
            case .end:
                try flush()
                return
            case .literal(let bytes):
                try bytes.withUnsafeBytes { bytes in
                    var rest = bytes
                    while !rest.isEmpty {
                        if filled == buffer.count { try flush() }
                        let count = min(rest.count, buffer.count - filled)
                        UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<filled + count])
                            .copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<count]))
                        filled += count
                        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
                    }
                }
            case .copy(let offset, let length):
                try copy(offset, length)
            case .add(let offset, let differences):
                try differences.withUnsafeBytes { try copy(offset, UInt64($0.count), adding: $0) }
            case .zeros(let length):
                try flush()
                try writeZeros(length, to: file, isSparse: isSparse)
            }
        }
    }

    private func writeZeros(_ length: UInt64, to file: OpenItem, isSparse: Bool) throws {
        var left = length
        while left > 0 {
            let count = Int(min(left, UInt64(Self.zeros.count)))
            try Self.zeros.withUnsafeBytes { zeros in
                let bytes = UnsafeRawBufferPointer(rebasing: zeros[..<count])
                file.update(bytes)
                if !isSparse { try file.file.writeFully(bytes, at: Int64(file.written)) }
            }
            file.written += UInt64(count)
            left -= UInt64(count)
        }
        progress.add(files: 0, bytes: length)
        if isSparse { try file.file.setLength(Int64(file.written)) }
    }

    private func end(_ index: Int, _ file: OpenItem) throws {
        open[index] = nil
        awaited[index] = nil
        guard file.digest() == filler.target.entries[index].digest else {
            let parent = try filler.tree.parent(of: index)
            try filler.target.withName(of: index) { name in try parent.remove(name) }
            damaged.append(index)
            return
        }
        try filler.finish(file.file, index)
        receivedFiles += 1
        progress.add(files: 1, bytes: 0)
    }

    /// Checks that all that was awaited came.
    func finish() throws {
        if let missing = awaited.keys.min() {
            throw SlotSyncError(
                .protocolViolation,
                "the patch ended, but \(awaited.count) files are missing (entry \(missing) is the first)")
        }
    }
}
