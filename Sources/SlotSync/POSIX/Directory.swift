// An open directory: the only way in which this project touches a path on a host. Every call is relative to its
// descriptor, takes one name, and never follows a symbolic link (invariant 5).

import CSystemCalls
import Glibc
import Synchronization
import SystemPackage

/// A directory held open by its descriptor; closed when the last user lets go of it.
final class Directory: Sendable {
    let descriptor: FileDescriptor
    /// Whether directories that are opened from this one, and from those, are on the same mount: EXDEV otherwise. What is
    /// mounted in a slot, a bind mount too, is not the slot's.
    let staysOnMount: Bool

    /// Takes over an open directory descriptor.
    init(owning descriptor: FileDescriptor, staysOnMount: Bool = false) {
        self.descriptor = descriptor
        self.staysOnMount = staysOnMount
    }

    /// Opens a directory by its path. Links on the way are followed: this is the user's own path.
    init(path: FilePath, staysOnMount: Bool = false) throws(Errno) {
        let raw = try systemCall { path.withPlatformString { Glibc.open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) } }
        descriptor = FileDescriptor(rawValue: raw)
        self.staysOnMount = staysOnMount
    }

    deinit { try? descriptor.close() }

    var raw: CInt { descriptor.rawValue }

    /// A second, independent handle of the same directory.
    func duplicate() throws(Errno) -> Directory {
        Directory(owning: try openFile(".", O_RDONLY | O_DIRECTORY), staysOnMount: staysOnMount)
    }

    // MARK: Opening

    /// Opens `name` in this directory. The corresponding C function is `openat`.
    func openFile(_ name: UnsafePointer<CChar>, _ flags: CInt, mode: UInt32 = 0) throws(Errno) -> FileDescriptor {
        let raw = raw
        return FileDescriptor(
            rawValue: try systemCall { openat_mode(raw, name, flags | O_NOFOLLOW | O_CLOEXEC, mode) })
    }

    /// Opens the subdirectory `name`.
    ///
    /// - Throws: `.improperLink` (EXDEV) where something is mounted on it and this directory stays on its mount.
    func openDirectory(_ name: UnsafePointer<CChar>) throws(Errno) -> Directory {
        if staysOnMount, PathLookup.isAllowed {
            do { return try openDirectory(atPath: name) } catch .noFunction {}
        }
        let opened = Directory(owning: try openFile(name, O_RDONLY | O_DIRECTORY), staysOnMount: staysOnMount)
        if staysOnMount, try isOnOtherMount(opened) { throw .improperLink }
        return opened
    }

    /// Opens the subdirectory `name` where something may be mounted on it; what is below it is on that mount.
    func openMountedDirectory(_ name: UnsafePointer<CChar>) throws(Errno) -> Directory {
        Directory(owning: try openFile(name, O_RDONLY | O_DIRECTORY), staysOnMount: staysOnMount)
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
    /// - Throws: `.noFunction` on kernels before 5.6 and in sandboxes without openat2: then names have to do.
    func openDirectory(atPath path: UnsafePointer<CChar>) throws(Errno) -> Directory {
        guard PathLookup.isAllowed else { throw .noFunction }
        let resolve = UInt64(
            ss_resolve_beneath | ss_resolve_no_symlinks | (staysOnMount ? ss_resolve_no_mounts : 0))
        let raw = raw
        do {
            return Directory(
                owning: FileDescriptor(
                    rawValue: try systemCall {
                        ss_openat2(raw, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, resolve)
                    }), staysOnMount: staysOnMount)
        } catch {
            // Container runtimes before 2021 answer calls that they do not know with EPERM.
            guard error == .noFunction || error == .notPermitted else { throw error }
            PathLookup.forbid()
            throw .noFunction
        }
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

    /// The status of what `name` leads to: links are followed, out of this directory as well. For looking alone.
    func followed(_ name: UnsafePointer<CChar>) throws(Errno) -> FileStatus {
        var status = stat()
        let raw = raw
        try systemCall { fstatat(raw, name, &status, 0) }
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
        try systemCall { ss_birth_time(raw, name, 0, &seconds, &nanoseconds) }
        return Timestamp(seconds: seconds, nanoseconds: nanoseconds)
    }

    /// What else the kernel knows of this directory.
    func moreStatus() throws(Errno) -> MoreStatus { try moreStatus(of: "") }

    /// What else the kernel knows of `name`, of a link itself. The corresponding C function is `statx`.
    func moreStatus(of name: UnsafePointer<CChar>) throws(Errno) -> MoreStatus {
        let raw = raw
        var status = ss_more_status()
        try systemCall { ss_status(raw, name, &status) }
        return MoreStatus(status)
    }

    /// Whether `other` is on another mount: nothing can be moved there.
    func isOnOtherMount(_ other: Directory) throws(Errno) -> Bool {
        if let here = try? moreStatus().mount, here != 0 { return try here != other.moreStatus().mount }
        return try status().device != other.status().device
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
                switch Errno(rawValue: Glibc.errno) {
                case Errno(rawValue: 0): return
                // Also where the look at a folder on a network can be interrupted.
                case .interrupted: continue
                case let error: throw error
                }
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

    /// Throws where this process may not make entries here, or not remove them. The corresponding C function is
    /// `faccessat`.
    func checkWritable() throws(Errno) {
        let raw = raw
        do { try systemCall { faccessat(raw, ".", W_OK | X_OK, AT_EACCESS) } } catch {
            // What a sandbox says that does not know the call, and of a folder that nobody may change.
            if error != .notPermitted { throw error }
        }
    }
}

/// `openat` with a mode, which Swift imports as two overlays without a common form.
@inline(__always)
func openat_mode(_ directory: CInt, _ name: UnsafePointer<CChar>, _ flags: CInt, _ mode: UInt32) -> CInt {
    Glibc.openat(directory, name, flags, mode_t(mode))
}

/// Whether openat2(2) can be used. A sandbox that forbids it forbids it for good.
private enum PathLookup {
    private static let forbidden = Atomic(false)
    static var isAllowed: Bool { !forbidden.load(ordering: .relaxed) }
    static func forbid() { forbidden.store(true, ordering: .relaxed) }
}
