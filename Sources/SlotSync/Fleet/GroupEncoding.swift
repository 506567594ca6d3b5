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

    /// A content that can be encoded.
    private struct Ready {
        var job: EncodingJob
        var size: UInt64
        /// Whose signature the job holds.
        var basis: ContentDigest?
    }

    /// How much content goes into one batch of small files.
    private static let batchBytes: UInt64 = 1 << 20

    /// All that was made so far, in its order.
    private(set) var frames: [SpoolRange] = []
    /// Entries whose basis's signature is still awaited.
    private var waiting: [ContentDigest: [Int]] = [:]
    /// Jobs that are ready, in the order of their arrival.
    private var small: Deque<Ready> = []
    private var smallBytes: UInt64 = 0
    /// Each of these is a batch by itself.
    private var long: Deque<Ready> = []
    /// What nobody needs any more. Its signatures were given up: they would take the window of those that are needed.
    private var shelved: [Need] = []
    private var activeBatches = 0

    var isDone: Bool {
        waiting.isEmpty && small.isEmpty && long.isEmpty && shelved.isEmpty && activeBatches == 0
    }

    /// A content that can be encoded.
    ///
    /// - Parameter basis: whose signature the job holds; nil if it holds none.
    mutating func append(_ job: EncodingJob, size: UInt64, basis: ContentDigest? = nil) {
        let ready = Ready(job: job, size: size, basis: basis)
        if size > PairEncoder.longestWhole {
            long.append(ready)
        } else {
            small.append(ready)
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

    // MARK: Groups that nobody needs

    /// Gives up the signatures that no encoder has used yet: the last host that needs the group is gone.
    ///
    /// - Returns: how many bytes they took.
    mutating func shelveSignatures() -> Int {
        var bytes = 0
        func keeps(_ ready: Ready) -> Bool {
            guard let basis = ready.basis, case .signature(let signature) = ready.job.basis else { return true }
            bytes += signature.memoryLength
            shelve(ready.job.entry, basis: basis)
            return false
        }
        small = Deque(small.filter(keeps))
        long = Deque(long.filter(keeps))
        smallBytes = small.reduce(0) { $0 + $1.size }
        return bytes
    }

    /// A content whose signature came when nobody needed it any more.
    mutating func shelve(_ entry: Int, basis: ContentDigest) {
        shelved.append(Need(entry: UInt32(entry), basis: basis))
    }

    /// What was shelved, to be begun anew: a host that needs the group has come.
    mutating func takeShelved() -> [Need] {
        defer { shelved = [] }
        return shelved
    }

    // MARK: Batches

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
            return Batch(jobs: [long.removeFirst().job], isLong: true)
        }
        guard !small.isEmpty, isComplete || smallBytes >= Self.batchBytes else { return nil }
        var jobs: [EncodingJob] = []
        var bytes: UInt64 = 0
        while bytes < Self.batchBytes, let ready = small.popFirst() {
            jobs.append(ready.job)
            bytes += ready.size
        }
        smallBytes -= bytes
        return Batch(jobs: jobs, isLong: false)
    }

    mutating func append(_ ranges: [SpoolRange]) { frames += ranges }

    mutating func end() { activeBatches -= 1 }
}
