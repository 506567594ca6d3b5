// An open directory: the only way in which this project touches a path on a host. Every call is relative to its
// descriptor, takes one name, and never follows a symbolic link (invariant 5).

import CSystemCalls
import Glibc
import SystemPackage

/// A directory held open by its descriptor; closed when the last user lets go of it.
final class Directory: Sendable {
    let descriptor: FileDescriptor

    /// Takes over an open directory descriptor.
    init(owning descriptor: FileDescriptor) { self.descriptor = descriptor }

    /// Opens a directory by its path. Links on the way are followed: this is the user's own path.
    init(path: FilePath) throws(Errno) {
        let raw = try systemCall { path.withPlatformString { Glibc.open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) } }
        descriptor = FileDescriptor(rawValue: raw)
    }

    deinit { try? descriptor.close() }

    private var raw: CInt { descriptor.rawValue }

    /// A second, independent handle of the same directory.
    func duplicate() throws(Errno) -> Directory {
        Directory(owning: try openFile(".", O_RDONLY | O_DIRECTORY))
    }

    // MARK: Opening

    /// Opens `name` in this directory. The corresponding C function is `openat`.
    func openFile(_ name: UnsafePointer<CChar>, _ flags: CInt, mode: UInt32 = 0) throws(Errno) -> FileDescriptor {
        let raw = raw
        return FileDescriptor(
            rawValue: try systemCall { openat_mode(raw, name, flags | O_NOFOLLOW | O_CLOEXEC, mode) })
    }

    /// Opens the subdirectory `name`.
    func openDirectory(_ name: UnsafePointer<CChar>) throws(Errno) -> Directory {
        Directory(owning: try openFile(name, O_RDONLY | O_DIRECTORY))
    }

    /// Opens a directory some levels below by its relative path, of any length, without following a link at any level.
    ///
    /// - Parameter components: NUL-terminated names, the outermost first.
    func openDirectory(beneath components: [ArraySlice<UInt8>]) throws(Errno) -> Directory {
        guard !components.isEmpty else { return try duplicate() }
        var current = self
        var next = 0
        while next < components.count {
            // As many levels at once as fit one path.
            var path: [CChar] = []
            var levels = 0
            for component in components[next...] {
                if !path.isEmpty && path.count + component.count + 1 >= Int(PATH_MAX) { break }
                if !path.isEmpty { path.append(CChar(UInt8(ascii: "/"))) }
                for byte in component { path.append(CChar(bitPattern: byte)) }
                levels += 1
            }
            path.append(0)
            do {
                current = try current.openDirectory(atPath: path)
                next += levels
            } catch .noFunction {
                // A kernel before 5.6, or a sandbox that forbids openat2: one level at a time.
                for component in components[next..<next + levels] {
                    current = try current.openDirectory(component.map { CChar(bitPattern: $0) } + [0])
                }
                next += levels
            }
        }
        return current
    }

    /// Opens a directory below by a path that is no longer than PATH_MAX, following no link at any level.
    ///
    /// - Throws: `.noFunction` on kernels before 5.6 and in sandboxes without openat2.
    func openDirectory(atPath path: UnsafePointer<CChar>) throws(Errno) -> Directory {
        let resolve = UInt64(ss_resolve_beneath | ss_resolve_no_symlinks)
        let raw = raw
        return Directory(
            owning: FileDescriptor(
                rawValue: try systemCall {
                    ss_openat2(raw, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, resolve)
                }))
    }

    // MARK: Looking

    /// The status of `name`, of a link itself. The corresponding C function is `fstatat`.
    ///
    /// - Parameter name: one name; whoever gives a path of more (TreeStatuses) says why links on the way do no harm.
    @inline(__always)
    func status(of name: UnsafePointer<CChar>) throws(Errno) -> FileStatus {
        var status = stat()
        let raw = raw
        try systemCall { fstatat(raw, name, &status, AT_SYMLINK_NOFOLLOW) }
        return FileStatus(status)
    }

    /// The status of this directory.
    func status() throws(Errno) -> FileStatus { try descriptor.status() }

    /// When `name` was made, a link itself. The corresponding C function is `statx`.
    ///
    /// - Throws: `.noData` where the file system does not keep it.
    func birth(of name: UnsafePointer<CChar>) throws(Errno) -> Timestamp {
        let raw = raw
        var (seconds, nanoseconds): (Int64, UInt32) = (0, 0)
        try systemCall { ss_birth_time(raw, name, &seconds, &nanoseconds) }
        return Timestamp(seconds: seconds, nanoseconds: nanoseconds)
    }

    /// The text of the symbolic link `name`.
    func readLink(_ name: UnsafePointer<CChar>) throws(Errno) -> [UInt8] {
        var text = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let raw = raw
        let length = try text.withUnsafeMutableBufferPointer { (buffer) throws(Errno) -> Int in
            let start = UnsafeMutableRawPointer(buffer.baseAddress!).assumingMemoryBound(to: CChar.self)
            let room = buffer.count
            return try systemCall { readlinkat(raw, name, start, room) }
        }
        text.removeLast(text.count - length)
        return text
    }

    /// The names in this directory but `.` and `..`, in no order; what is not UTF-8 in them is repaired.
    func names() throws -> [String] {
        var names: [String] = []
        try forEachName { names.append(String(decoding: $0, as: UTF8.self)) }
        return names
    }

    /// Calls `body` with each name in this directory but `.` and `..`, in no order: its bytes, NUL-terminated.
    func forEachName(_ body: (UnsafeBufferPointer<UInt8>) throws -> Void) throws {
        let copy = try openFile(".", O_RDONLY | O_DIRECTORY)
        guard let stream = fdopendir(copy.rawValue) else {
            let error = Errno(rawValue: Glibc.errno)
            try? copy.close()
            throw error
        }
        defer { closedir(stream) }
        while true {
            Glibc.errno = 0
            guard let entry = readdir(stream) else {
                if Glibc.errno != 0 { throw Errno(rawValue: Glibc.errno) }
                return
            }
            try withUnsafeBytes(of: &entry.pointee.d_name) { buffer in
                let name = buffer.bindMemory(to: UInt8.self)
                var length = 0
                while length < name.count - 1 && name[length] != 0 { length += 1 }
                let isDots = name[0] == UInt8(ascii: ".") && (length == 1 || (length == 2 && name[1] == name[0]))
                if !isDots { try body(UnsafeBufferPointer(rebasing: name[0..<length])) }
            }
        }
    }

    var isEmpty: Bool {
        get throws {
            struct Found: Error {}
            do {
                try forEachName { _ in throw Found() }
                return true
            } catch is Found { return false }
        }
    }

    // MARK: Changing

    func makeDirectory(_ name: UnsafePointer<CChar>, mode: UInt32 = 0o700) throws(Errno) {
        let raw = raw
        try systemCall { mkdirat(raw, name, mode) }
    }

    func makeSymbolicLink(_ name: UnsafePointer<CChar>, to text: UnsafePointer<CChar>) throws(Errno) {
        let raw = raw
        try systemCall { symlinkat(text, raw, name) }
    }

    func makeHardLink(
        _ name: UnsafePointer<CChar>, to existing: UnsafePointer<CChar>, in other: Directory
    ) throws(Errno) {
        let (raw, from) = (raw, other.raw)
        try systemCall { linkat(from, existing, raw, name, 0) }
    }

    func remove(_ name: UnsafePointer<CChar>) throws(Errno) {
        let raw = raw
        try systemCall { unlinkat(raw, name, 0) }
    }

    func removeDirectory(_ name: UnsafePointer<CChar>) throws(Errno) {
        let raw = raw
        try systemCall { unlinkat(raw, name, AT_REMOVEDIR) }
    }

    /// Moves `name` to `newName` in `other`, over what stands there. The corresponding C function is `renameat`.
    func rename(
        _ name: UnsafePointer<CChar>, to newName: UnsafePointer<CChar>, in other: Directory
    ) throws(Errno) {
        let (from, to) = (raw, other.raw)
        try systemCall { renameat(from, name, to, newName) }
    }

    func rename(_ name: UnsafePointer<CChar>, to newName: UnsafePointer<CChar>) throws(Errno) {
        let raw = raw
        try systemCall { renameat(raw, name, raw, newName) }
    }

    /// Sets the mode bits of a file or directory, never through a link.
    func setMode(of name: UnsafePointer<CChar>, to mode: UInt16) throws(Errno) {
        let raw = raw
        try systemCall { fchmodat(raw, name, mode_t(mode), AT_SYMLINK_NOFOLLOW) }
    }

    /// Sets the modification time of an entry, of a link itself.
    func setModified(of name: UnsafePointer<CChar>, to time: Timestamp) throws(Errno) {
        let raw = raw
        try time.asModificationAlone { (times) throws(Errno) in
            try systemCall { utimensat(raw, name, times, AT_SYMLINK_NOFOLLOW) }
        }
    }

    func setOwner(of name: UnsafePointer<CChar>, to owner: UInt32, group: UInt32) throws(Errno) {
        let raw = raw
        try systemCall { fchownat(raw, name, owner, group, AT_SYMLINK_NOFOLLOW) }
    }

    /// Makes what happened in this directory durable.
    func synchronize() throws(Errno) {
        let raw = raw
        try systemCall { fsync(raw) }
    }

    /// Makes the whole file system below this directory durable. The corresponding C function is `syncfs`.
    func synchronizeFileSystem() throws(Errno) {
        let raw = raw
        try systemCall { ss_syncfs(raw) }
    }

    /// Removes `name` and all that is below it, of any depth and with any modes.
    func removeTree(_ name: UnsafePointer<CChar>) throws {
        if try removeEntry(name) { return }
        // A stack in place of recursion: the tree may be deeper than the thread's stack.
        var path: [[CChar]] = [Array(UnsafeBufferPointer(start: name, count: strlen(name) + 1))]
        while let last = path.last {
            let above = path.dropLast().map { component in component.dropLast().map(UInt8.init(bitPattern:))[...] }
            let parent = try openDirectory(beneath: above)
            if let subdirectory = try parent.openDirectory(last).removeEntries() {
                path.append(subdirectory)
            } else {
                try parent.removeDirectory(last)
                path.removeLast()
            }
        }
    }

    /// Removes what is no directory, and empty directories.
    ///
    /// - Returns: whether `name` is gone; a directory that stays can be read and written afterwards.
    private func removeEntry(_ name: UnsafePointer<CChar>) throws(Errno) -> Bool {
        let status: FileStatus
        do { status = try self.status(of: name) } catch {
            if error == .noSuchFileOrDirectory { return true }
            throw error
        }
        guard status.kind == .directory else {
            try remove(name)
            return true
        }
        do { try removeDirectory(name) } catch {
            if status.mode & 0o700 != 0o700 { try setMode(of: name, to: 0o700) }
            return false
        }
        return true
    }

    /// Removes the entries of this directory up to the first subdirectory that is not empty, which it returns.
    private func removeEntries() throws -> [CChar]? {
        var names: [[CChar]] = []
        try forEachName { name in names.append(name.map { CChar(bitPattern: $0) } + [0]) }
        for name in names where try !removeEntry(name) { return name }
        return nil
    }
}

/// `openat` with a mode, which Swift imports as two overlays without a common form.
@inline(__always)
private func openat_mode(_ directory: CInt, _ name: UnsafePointer<CChar>, _ flags: CInt, _ mode: UInt32) -> CInt {
    Glibc.openat(directory, name, flags, mode_t(mode))
}
