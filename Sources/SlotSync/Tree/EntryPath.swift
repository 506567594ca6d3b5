// Puts an entry's path together in memory that is used again and again: work on a whole tree asks for thousands of
// paths, one directory after the other. A path that is too long for the system is not made; the caller then goes by
// names.

import Glibc

/// Room for one path, relative to the tree's root, or from where that is.
struct EntryPath: ~Copyable {
    /// A directory's path is written up to here, from its last name backwards; an entry's name follows.
    private static let middle = Int(PATH_MAX) - Manifest.longestName - 1
    private let bytes = UnsafeMutablePointer<CChar>.allocate(capacity: Int(PATH_MAX))
    private var start = middle
    /// What stands before every path.
    private let top: [CChar]

    /// - Parameter top: the path of the tree's root, with a slash at its end; empty for relative paths.
    init(below top: String = "") { self.top = top.utf8.map { CChar(bitPattern: $0) } }

    deinit { bytes.deallocate() }

    /// Makes the path of `directory`, each name with a slash behind it; the root's is empty, but for its own path.
    ///
    /// - Returns: false if no entry's path in that directory is sure to fit PATH_MAX.
    mutating func setDirectory(_ directory: Int, of manifest: borrowing Manifest) -> Bool {
        start = Self.middle
        var index = directory
        while index != 0 {
            let entry = manifest.entries[index]
            let length = Int(entry.nameLength)
            guard start >= length + 1 + top.count else { return false }
            start -= length + 1
            bytes[start + length] = CChar(UInt8(ascii: "/"))
            copyName(at: Int(entry.nameStart), length, of: manifest, to: start)
            index = Int(entry.parent)
        }
        start -= top.count
        for (offset, byte) in top.enumerated() { bytes[start + offset] = byte }
        return true
    }

    /// Calls `body` with the path of an entry of that directory.
    @inline(__always)
    func withPath<T, E: Error>(
        of child: Int, in manifest: borrowing Manifest, _ body: (UnsafePointer<CChar>) throws(E) -> T
    ) throws(E) -> T {
        let entry = manifest.entries[child]
        let length = Int(entry.nameLength)
        precondition(length <= Manifest.longestName)
        copyName(at: Int(entry.nameStart), length, of: manifest, to: Self.middle)
        bytes[Self.middle + length] = 0
        return try body(bytes + start)
    }

    /// Calls `body` with the directory's own path, which for the root is ".".
    func withDirectory<T, E: Error>(_ body: (UnsafePointer<CChar>) throws(E) -> T) throws(E) -> T {
        bytes[Self.middle] = 0
        if start == Self.middle {
            bytes[Self.middle] = CChar(UInt8(ascii: "."))
            bytes[Self.middle + 1] = 0
        }
        return try body(bytes + start)
    }

    @inline(__always)
    private func copyName(at start: Int, _ length: Int, of manifest: borrowing Manifest, to position: Int) {
        manifest.text.withUnsafeBufferPointer { text in
            precondition(start + length <= text.count)
            memcpy(bytes + position, text.baseAddress! + start, length)
        }
    }
}
