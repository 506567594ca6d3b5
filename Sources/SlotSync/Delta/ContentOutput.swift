// Content on its way to a file or a stream, digested as it is written. Long runs of zeros become holes where that is
// wanted. ContentMaker appends to it; `slotsync patch` has one for its result, a host one for each file that comes in
// pieces.

import SystemPackage

/// Where content is written from its start to its end.
final class ContentOutput {
    /// Runs of zeros from this length on become holes; nil: none do.
    let shortestHole: UInt64?
    private let descriptor: FileDescriptor
    private let onProgress: (UInt64) -> Void
    private var hasher = ContentDigest.Hasher()
    private var count: UInt64 = 0
    private var endsInHole = false

    /// - Parameters:
    ///   - descriptor: the caller's to close. If there are to be holes, an empty regular file at its start.
    ///   - onProgress: told how many bytes were appended, each time.
    init(_ descriptor: FileDescriptor, shortestHole: UInt64?, onProgress: @escaping (UInt64) -> Void = { _ in }) {
        self.descriptor = descriptor
        self.shortestHole = shortestHole
        self.onProgress = onProgress
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(Errno) {
        hasher.update(bytes)
        try descriptor.writeFully(bytes)
        endsInHole = false
        advance(by: UInt64(bytes.count))
    }

    /// Appends zeros that take no room.
    func appendHole(_ length: UInt64) throws(Errno) {
        ZeroRun.forEachPiece(of: length) { hasher.update($0) }
        try descriptor.skip(Int64(length))
        endsInHole = true
        advance(by: length)
    }

    private func advance(by length: UInt64) {
        count += length
        onProgress(length)
    }

    /// Gives a file its length if it ends in a hole; returns the digest of all that was appended.
    func finish() throws(Errno) -> ContentDigest {
        if endsInHole { try descriptor.setLength(Int64(count)) }
        return hasher.digest()
    }
}
