// Holds the contents of one group that are ready to be encoded, and hands them out in batches that are worth a frame.
// It is asked again after every signature that comes, so each question must cost next to nothing. GroupEncoding has
// one.

import DequeModule

/// Jobs in the order of their arrival.
struct EncodingQueue {
    struct Batch: Sendable {
        var jobs: [EncodingJob]
        /// One job, which takes all cores by itself.
        var isLong: Bool
    }

    /// How much content goes into one batch of small files.
    static let batchBytes: UInt64 = 1 << 20

    private var small: Deque<(job: EncodingJob, size: UInt64)> = []
    private var smallBytes: UInt64 = 0
    /// Each of these is a batch by itself.
    private var long: Deque<EncodingJob> = []

    var isEmpty: Bool { small.isEmpty && long.isEmpty }

    mutating func append(_ job: EncodingJob, size: UInt64) {
        if size > PairEncoder.longestWhole {
            long.append(job)
        } else {
            small.append((job, size))
            smallBytes += size
        }
    }

    /// The next batch.
    ///
    /// - Parameters:
    ///   - isComplete: whether nothing more will come, so that what is left goes out although it fills no frame.
    ///   - allowsLong: whether a long content, which takes all cores by itself, may begin now.
    mutating func takeBatch(isComplete: Bool, allowsLong: Bool) -> Batch? {
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
}
