// Matches content of any length against one basis, on several cores and in bounded memory. The content is read in
// order and matched segment by segment in parallel; the results are fitted together so that no match is lost where
// segments meet. `slotsync delta` and PairEncoder hand large files to it.

import Dispatch

/// Cuts content into segments and gives their instructions in order.
struct SegmentedEncoder: Sendable {
    let encoder: DeltaEncoder
    let segmentLength: Int
    /// How many segments are in memory, and so how many cores work.
    let parallelism: Int

    static let segmentLength = 8 << 20

    init(_ encoder: DeltaEncoder, segmentLength: Int = Self.segmentLength, parallelism: Int) {
        self.encoder = encoder
        self.segmentLength = max(segmentLength, encoder.lookahead, 1)
        self.parallelism = max(parallelism, 1)
    }

    /// The bytes of one segment and the instructions that make it. Literals point into the bytes.
    typealias Consumer = ([DeltaInstruction], UnsafeRawBufferPointer) throws(SlotSyncError) -> Void

    /// Encodes all of `input`. `expectedLength` only saves memory where content is known to be short.
    func encode(
        _ input: inout SequentialInput, expectedLength: UInt64? = nil, into consume: Consumer
    ) throws(SlotSyncError) -> (length: UInt64, digest: ContentDigest) {
        let lookahead = encoder.lookahead
        // One byte more than expected shows the end without another round.
        let wanted = Int(clamping: (expectedLength ?? UInt64(Int64.max)).addingReportingOverflow(1).partialValue)
        let capacity = min(segmentLength * parallelism, max(wanted, 64 * 1024)) + lookahead
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 64)
        defer { buffer.deallocate() }

        var hasher = ContentDigest.Hasher()
        var stitcher = Stitcher()
        var kept = 0
        var length: UInt64 = 0
        while true {
            let count = try input.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[kept...]))
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[kept..<kept + count]))
            length += UInt64(count)
            let filled = kept + count
            let isLast = filled < buffer.count
            let window = UnsafeRawBufferPointer(rebasing: buffer[..<filled])
            // Of what is not the last, only as much is encoded as has its lookahead behind it.
            let owned = isLast ? filled : filled - lookahead
            let segments = (0..<(owned + segmentLength - 1) / segmentLength).map {
                $0 * segmentLength..<min(($0 + 1) * segmentLength, owned)
            }
            for (segment, instructions) in zip(segments, encodeInParallel(segments, of: window, isLast: isLast)) {
                let visible = UnsafeRawBufferPointer(rebasing: window[segment.lowerBound...])
                try consume(stitcher.fit(instructions, contentLength: segment.count), visible)
            }
            if isLast { return (length, hasher.digest()) }
            kept = filled - owned
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: window[owned...]))
        }
    }

    private func encodeInParallel(
        _ segments: [Range<Int>], of window: UnsafeRawBufferPointer, isLast: Bool
    ) -> [[DeltaInstruction]] {
        forEachConcurrently(segments) { segment in
            var instructions: [DeltaInstruction] = []
            let end = min(segment.upperBound + encoder.lookahead, window.count)
            encoder.encode(
                UnsafeRawBufferPointer(rebasing: window[segment.lowerBound..<end]),
                lookahead: end - segment.upperBound, isLast: isLast && end == window.count, into: &instructions)
            return instructions
        }
    }
}

/// Fits the instructions of neighbouring segments together.
private struct Stitcher {
    /// How much of the coming segment the last one's final match has made already.
    private var made: UInt64 = 0

    /// Drops from a segment's instructions what is made already.
    mutating func fit(_ instructions: [DeltaInstruction], contentLength: Int) -> [DeltaInstruction] {
        let covered = instructions.reduce(0) { $0 + $1.length }
        defer { made = max(covered, made) - UInt64(contentLength) }
        var rest = made
        guard rest > 0 else { return instructions }
        var fitted: [DeltaInstruction] = []
        for instruction in instructions {
            if rest >= instruction.length {
                rest -= instruction.length
            } else {
                fitted.append(instruction.dropping(first: rest))
                rest = 0
            }
        }
        return fitted
    }
}

/// `transform` of each element, on as many cores as there are; in order.
func forEachConcurrently<Element, Result>(_ elements: [Element], _ transform: (Element) -> Result) -> [Result] {
    guard elements.count > 1 else { return elements.map(transform) }
    var results = [Result?](repeating: nil, count: elements.count)
    results.withUnsafeMutableBufferPointer { results in
        // Each iteration writes its own element.
        nonisolated(unsafe) let results = results
        nonisolated(unsafe) let transform = transform
        nonisolated(unsafe) let elements = elements
        DispatchQueue.concurrentPerform(iterations: elements.count) { results[$0] = transform(elements[$0]) }
    }
    return results.compactMap(\.self)
}
