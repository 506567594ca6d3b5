// How far one group of needs is encoded: what waits for a signature, what is ready, what is being encoded, and the
// frames that are made. PatchLibrary has one for each group.

struct GroupEncoding {
    /// All that was made so far, in its order.
    private(set) var frames: [SpoolRange] = []
    /// Entries whose basis's signature is still awaited.
    private var waiting: [ContentDigest: [Int]] = [:]
    private var ready = EncodingQueue()
    private var activeBatches = 0

    var isDone: Bool { waiting.isEmpty && ready.isEmpty && activeBatches == 0 }

    /// A content that can be encoded.
    mutating func append(_ job: EncodingJob, size: UInt64) { ready.append(job, size: size) }

    /// A content that needs the signature of a basis.
    ///
    /// - Returns: whether it is the first that waits for this one.
    mutating func wait(_ entry: Int, for basis: ContentDigest) -> Bool {
        waiting[basis, default: []].append(entry)
        return waiting[basis]?.count == 1
    }

    /// The entries that waited for a signature; they wait no longer.
    mutating func settle(_ basis: ContentDigest) -> [Int] { waiting.removeValue(forKey: basis) ?? [] }

    /// The next batch to be encoded; `end` says that it is.
    ///
    /// - Parameters:
    ///   - isStalled: nothing more will become ready before something is encoded.
    ///   - allowsLong: whether a content may begin that takes all cores by itself.
    mutating func begin(isStalled: Bool, allowsLong: Bool) -> EncodingQueue.Batch? {
        let batch = ready.takeBatch(isComplete: waiting.isEmpty || isStalled, allowsLong: allowsLong)
        if batch != nil { activeBatches += 1 }
        return batch
    }

    mutating func append(_ ranges: [SpoolRange]) { frames += ranges }

    mutating func end() { activeBatches -= 1 }
}
