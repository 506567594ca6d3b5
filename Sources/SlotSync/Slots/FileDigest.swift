// Computes the digest of one open file, read from its start: for single files that no stat tuple vouches for.
// TreeHashing hashes whole trees.

import Glibc
import SystemPackage

extension FileDescriptor {
    /// The digest of the file's content; what is read counts as progress.
    func contentDigest(_ progress: AgentProgress) throws(Errno) -> ContentDigest {
        try content(withSHA256: false, progress).digest
    }

    /// Whether the file holds what an entry of a release says, by its SHA-256 too where the release has these.
    func hasContent(of index: Int, in manifest: Manifest, _ progress: AgentProgress) throws(Errno) -> Bool {
        try content(withSHA256: manifest.hasSHA256, progress) == manifest.content(of: index)
    }

    private func content(withSHA256: Bool, _ progress: AgentProgress) throws(Errno) -> KnownContent {
        var hasher = ContentDigest.Hasher()
        var sum = SHA256Digest.Hasher256()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 64)
        defer { buffer.deallocate() }
        var position: Int64 = 0
        while true {
            let count = try readFully(at: position, into: buffer)
            if count == 0 {
                return KnownContent(digest: hasher.digest(), sha256: withSHA256 ? sum.digest() : nil)
            }
            let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            hasher.update(piece)
            if withSHA256 { sum.update(piece) }
            position += Int64(count)
            progress.add(files: 0, bytes: UInt64(count))
        }
    }
}

/// The digest of a file's content; nil if it is no regular file, cannot be read, has another name elsewhere, or belongs
/// to another user, who alone may set its mode.
func contentDigest(of name: String, in directory: Directory, _ progress: AgentProgress) -> ContentDigest? {
    guard let file = try? directory.openFile(name, O_RDONLY | O_NONBLOCK) else { return nil }
    defer { try? file.close() }
    guard let status = try? file.status(), status.kind == .file, status.links == 1,
        geteuid() == 0 || status.owner == geteuid()
    else { return nil }
    return try? file.contentDigest(progress)
}
