// Makes the trees that are released, entry by entry, with system calls on directory descriptors. So names are bytes,
// paths may be longer than PATH_MAX, and times may lie before 1970.

import Foundation
import SystemPackage

final class TreeMaker {
    let path: String
    private let directory: CInt

    init(at path: String) throws {
        self.path = path
        directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw SystemFailure("open \(path)") }
    }

    private init(path: String, directory: CInt) {
        self.path = path
        self.directory = directory
    }

    deinit { close(directory) }

    /// Makes (or rewrites in place) a regular file.
    func file(_ name: FilePath, _ content: [UInt8], mode: mode_t = 0o644, modified: timespec? = nil) throws {
        let descriptor = try openFile(name)
        defer { close(descriptor) }
        try call("truncate", name) { _ in ftruncate(descriptor, 0) }
        try FileDescriptor(rawValue: descriptor).writeAll(content)
        try call("chmod", name) { _ in fchmod(descriptor, mode) }
        if let modified { try touch(name, modified) }
    }

    func file(_ name: FilePath, _ text: String, mode: mode_t = 0o644, modified: timespec? = nil) throws {
        try file(name, Array(text.utf8), mode: mode, modified: modified)
    }

    /// Makes a file of `size` bytes that is a hole, but for `data` at `offset`.
    func sparse(_ name: FilePath, size: Int, data: [UInt8], at offset: Int) throws {
        let descriptor = try openFile(name)
        defer { close(descriptor) }
        try call("truncate", name) { _ in ftruncate(descriptor, size) }
        try FileDescriptor(rawValue: descriptor).writeAll(toAbsoluteOffset: Int64(offset), data)
    }

    /// Makes a folder where there is none, and goes into it.
    @discardableResult
    func folder(_ name: FilePath, mode: mode_t = 0o755) throws -> TreeMaker {
        if name.withPlatformString({ mkdirat(directory, $0, 0o755) }) != 0, errno != EEXIST {
            throw SystemFailure("mkdir \(name)")
        }
        try chmod(name, mode)
        return try inside(name)
    }

    /// The folder `name`, which is there.
    func inside(_ name: FilePath) throws -> TreeMaker {
        let inner = name.withPlatformString { openat(directory, $0, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW) }
        guard inner >= 0 else { throw SystemFailure("open \(name)") }
        return TreeMaker(path: "\(path)/\(name)", directory: inner)
    }

    func symlink(_ name: FilePath, to target: FilePath) throws {
        try call("symlink", name) { link in target.withPlatformString { symlinkat($0, directory, link) } }
    }

    func hardLink(_ name: FilePath, to existing: FilePath) throws {
        try call("link", name) { link in existing.withPlatformString { linkat(directory, $0, directory, link, 0) } }
    }

    /// Makes a special file: S_IFIFO, S_IFSOCK, or a device by its number.
    func special(_ name: FilePath, _ kind: mode_t, device: dev_t = 0) throws {
        try call("mknod", name) { mknodat(directory, $0, kind | 0o644, device) }
    }

    func chmod(_ name: FilePath, _ mode: mode_t) throws {
        try call("chmod", name) { fchmodat(directory, $0, mode, 0) }
    }

    func chown(_ name: FilePath, user: uid_t, group: gid_t) throws {
        try call("chown", name) { fchownat(directory, $0, user, group, AT_SYMLINK_NOFOLLOW) }
    }

    /// Sets the time of last modification; a link's own.
    func touch(_ name: FilePath, _ modified: timespec) throws {
        let times = [modified, modified]
        try call("utimens", name) { utimensat(directory, $0, times, AT_SYMLINK_NOFOLLOW) }
    }

    func rename(_ name: FilePath, to new: FilePath) throws {
        try call("rename", name) { old in new.withPlatformString { renameat(directory, old, directory, $0) } }
    }

    func remove(_ name: FilePath) throws {
        try call("unlink", name) { unlinkat(directory, $0, 0) }
    }

    /// What a regular file holds.
    func content(_ name: FilePath) throws -> [UInt8] {
        let descriptor = name.withPlatformString { openat(directory, $0, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) }
        guard descriptor >= 0 else { throw SystemFailure("open \(name)") }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        return Array(try handle.readToEnd() ?? Data())
    }

    /// The entry's own status, a link's too.
    func status(_ name: FilePath) throws -> stat {
        var status = stat()
        try call("stat", name) { fstatat(directory, $0, &status, AT_SYMLINK_NOFOLLOW) }
        return status
    }

    private func openFile(_ name: FilePath) throws -> CInt {
        let descriptor = name.withPlatformString { openat(directory, $0, O_RDWR | O_CREAT | O_CLOEXEC, 0o644) }
        guard descriptor >= 0 else { throw SystemFailure("create \(name)") }
        return descriptor
    }

    private func call(_ what: String, _ name: FilePath, _ body: (UnsafePointer<CChar>) -> CInt) throws {
        guard name.withPlatformString(body) == 0 else { throw SystemFailure("\(what) \(name)") }
    }
}

extension FilePath {
    /// A path of these bytes, whatever they are.
    init(bytes: [UInt8]) {
        self.init(platformString: bytes.map { CChar(bitPattern: $0) } + [0])
    }
}
