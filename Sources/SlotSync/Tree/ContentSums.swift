// Reads the files of a slot once more, for their SHA-256: a host does before it seals what was made of a release that has
// them.

import Glibc
import SystemPackage

/// A reader of one thread.
struct ContentSums: ~Copyable {
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 4096)
    private let directories: OpenDirectories

    init(root: Directory, manifest: Manifest) { directories = OpenDirectories(root: root, manifest: manifest) }

    deinit { buffer.deallocate() }

    /// The SHA-256 of a file's content.
    ///
    /// - Parameter onBytes: told how much was read.
    func read(_ entry: Int, onBytes: (Int) -> Void) throws(Errno) -> SHA256Digest {
        let file = try directories.openFile(entry, O_RDONLY | O_NONBLOCK)
        defer { try? file.close() }
        guard try file.status().kind == .file else { throw .noSuchFileOrDirectory }
        var sum = SHA256Digest.Hasher256()
        var length: Int64 = 0
        while true {
            let count = try file.readFully(at: length, into: buffer)
            if count == 0 { return sum.digest() }
            sum.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
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

    /// Takes over the SHA-256 of entries that came from another manifest; -1 stands for what did not.
    mutating func takeSHA256(of other: Manifest, origins: some Sequence<Int>) {
        hasSHA256 = other.hasSHA256
        sha256 = hasSHA256 ? origins.map { $0 < 0 ? .none : other.sha256[$0] } : []
    }
}
