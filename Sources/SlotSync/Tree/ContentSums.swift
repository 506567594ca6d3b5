// Reads the files of a tree once more, for their SHA-256: the controller for a release that is to have them, a host before
// it seals what was made of such a release.

import Glibc
import SystemPackage

/// A reader of one thread.
struct ContentSums: ~Copyable {
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 4096)
    private let directories: OpenDirectories

    init(root: Directory, manifest: Manifest) { directories = OpenDirectories(root: root, manifest: manifest) }

    deinit { buffer.deallocate() }

    /// Both digests of a file's content, and its length.
    ///
    /// - Parameter onBytes: told how much was read.
    func read(
        _ entry: Int, onBytes: (Int) -> Void = { _ in }
    ) throws(Errno) -> (digest: ContentDigest, sha256: SHA256Digest, length: UInt64) {
        let file = try directories.openFile(entry, O_RDONLY | O_NONBLOCK)
        defer { try? file.close() }
        guard try file.status().kind == .file else { throw .noSuchFileOrDirectory }
        var content = ContentDigest.Hasher()
        var sum = SHA256Digest.Hasher256()
        var length: Int64 = 0
        while true {
            let count = try file.readFully(at: length, into: buffer)
            if count == 0 { return (content.digest(), sum.digest(), UInt64(length)) }
            let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            content.update(piece)
            sum.update(piece)
            onBytes(count)
            length += Int64(count)
        }
    }

    /// How many files one thread takes at a time.
    static let filesPerRun = 32
}

extension Manifest {
    /// The files that have a content of their own, each once: further names of one file are left out.
    var contentEntries: [Int] {
        entries.indices.filter { entries[$0].kind == .file && (linkLeader(of: $0) ?? $0) == $0 }
    }

    /// Gives each file its SHA-256, which is that of the content whose digest is here already.
    ///
    /// - Parameter name: what the tree is, for messages.
    /// - Throws: ``SlotSyncError``: `sourceChanged` for a file that is not what it was, `system` for one that cannot be read.
    mutating func readSHA256(below root: Directory, name: String, parallelism: Int) throws {
        let (files, manifest) = (contentEntries, self)
        let runs = (files.count + ContentSums.filesPerRun - 1) / ContentSums.filesPerRun
        let found: [(Int, SHA256Digest)] = try ParallelRuns.perform(count: runs, parallelism: parallelism) {
            (next, report) in
            let reader = ContentSums(root: root, manifest: manifest)
            while let run = next() {
                let start = run * ContentSums.filesPerRun
                report(
                    try files[start..<min(start + ContentSums.filesPerRun, files.count)].map { index in
                        let path = quoted(String(decoding: manifest.path(of: index), as: UTF8.self))
                        do {
                            let read = try reader.read(index)
                            if read.digest == manifest.entries[index].digest { return (index, read.sha256) }
                        } catch let error as Errno {
                            if !error.isFromReplacedEntry {
                                throw SlotSyncError(.system, "\(name): the file \(path) cannot be read", errno: error)
                            }
                        }
                        throw SlotSyncError(
                            .sourceChanged,
                            "\(name): the file \(path) changes while it is read; wait until nobody writes to it")
                    })
            }
        }
        hasSHA256 = true
        sha256 = [SHA256Digest](repeating: .none, count: count)
        for (index, sum) in found { sha256[index] = sum }
        for index in entries.indices {
            if let leader = linkLeader(of: index), leader != index { sha256[index] = sha256[leader] }
        }
    }
}
