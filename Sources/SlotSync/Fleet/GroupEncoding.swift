// How far one group of needs is encoded: what waits for a signature, what is ready, what is being encoded, and the frames
// that are made. Batches are handed out that are worth a frame. It is asked again after every signature that comes, so
// each question must cost next to nothing. PatchLibrary has one for each group.

import DequeModule

struct GroupEncoding {
    struct Batch: Sendable {
        var jobs: [EncodingJob]
        /// One job, which takes all cores by itself.
        var isLong: Bool
    }

    /// How much content goes into one batch of small files.
    private static let batchBytes: UInt64 = 1 << 20

    /// All that was made so far, in its order.
    private(set) var frames: [SpoolRange] = []
    /// Entries whose basis's signature is still awaited.
    private var waiting: [ContentDigest: [Int]] = [:]
    /// Jobs that are ready, in the order of their arrival.
    private var small: Deque<(job: EncodingJob, size: UInt64)> = []
    private var smallBytes: UInt64 = 0
    /// Each of these is a batch by itself.
    private var long: Deque<EncodingJob> = []
    private var activeBatches = 0

    var isDone: Bool { waiting.isEmpty && small.isEmpty && long.isEmpty && activeBatches == 0 }

    /// A content that can be encoded.
    mutating func append(_ job: EncodingJob, size: UInt64) {
        if size > PairEncoder.longestWhole {
            long.append(job)
        } else {
            small.append((job, size))
            smallBytes += size
        }
    }

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
    mutating func begin(isStalled: Bool, allowsLong: Bool) -> Batch? {
        // What is left goes out although it fills no frame, if nothing comes to it.
        let batch = takeBatch(isComplete: waiting.isEmpty || isStalled, allowsLong: allowsLong)
        if batch != nil { activeBatches += 1 }
        return batch
    }

    private mutating func takeBatch(isComplete: Bool, allowsLong: Bool) -> Batch? {
        if !long.isEmpty {
            guard allowsLong else { return nil }
            return Batch(jobs: [long.removeFirst()], isLong: true)
        }
        guard !small.isEmpty, isComplete || smallBytes >= Self.batchBytes else { return nil }
        var jobs: [EncodingJob] = []
        var bytes: UInt64 = 0
        while bytes < Self.batchBytes, let (job, size) = small.popFirst() {
            jobs.append(job)
            bytes += size
        }
        smallBytes -= bytes
        return Batch(jobs: jobs, isLong: false)
    }

    mutating func append(_ ranges: [SpoolRange]) { frames += ranges }

    mutating func end() { activeBatches -= 1 }
}
