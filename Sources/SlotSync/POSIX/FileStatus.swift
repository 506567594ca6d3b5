// A file's status, without opening it: the typed form of `struct stat`.

import CSystemCalls
import Glibc
import SystemPackage

/// The metadata of one directory entry or open file.
struct FileStatus: Sendable, Hashable {
    enum Kind: UInt8, Sendable {
        case file, directory, symbolicLink, other
    }

    var kind: Kind
    /// The type bits of `st_mode`, which tell the kinds of special files apart.
    private var type: UInt32
    /// The twelve mode bits: setuid, setgid, sticky and the nine permissions.
    var mode: UInt16
    var size: UInt64
    /// Allocated units of 512 bytes.
    var blocks: UInt64
    var modified: Timestamp
    var changed: Timestamp
    var device: UInt64
    var inode: UInt64
    var links: UInt64
    var owner: UInt32
    var group: UInt32

    init(_ status: stat) {
        switch status.st_mode & S_IFMT {
        case S_IFREG: kind = .file
        case S_IFDIR: kind = .directory
        case S_IFLNK: kind = .symbolicLink
        default: kind = .other
        }
        type = UInt32(status.st_mode & S_IFMT)
        mode = UInt16(status.st_mode & 0o7777)
        size = UInt64(max(0, status.st_size))
        blocks = UInt64(max(0, status.st_blocks))
        modified = Timestamp(status.st_mtim)
        changed = Timestamp(status.st_ctim)
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        links = UInt64(status.st_nlink)
        owner = status.st_uid
        group = status.st_gid
    }

    /// The status of what `path` leads to; links are followed. The corresponding C function is `stat`.
    init(following path: String) throws(Errno) {
        var status = Glibc.stat()
        try systemCall { fstatat(AT_FDCWD, path, &status, 0) }
        self.init(status)
    }

    /// When what `path` leads to was made; nil where the file system does not keep that. The corresponding C function is
    /// `statx`.
    static func birth(following path: String, in directory: CInt = AT_FDCWD) -> Timestamp? {
        var (seconds, nanoseconds): (Int64, UInt32) = (0, 0)
        guard (try? systemCall { ss_birth_time(directory, path, 1, &seconds, &nanoseconds) }) != nil else { return nil }
        return Timestamp(seconds: seconds, nanoseconds: nanoseconds)
    }

    /// Whether the file has holes: fewer blocks than its size needs.
    var isSparse: Bool { kind == .file && blocks.multipliedSaturated(by: 512) < size }

    /// What a special file is, for a warning that names it.
    var specialKind: String {
        switch type {
        case S_IFIFO: "FIFO"
        case S_IFSOCK: "socket"
        case S_IFCHR: "character device"
        case S_IFBLK: "block device"
        default: "special file"
        }
    }
}

/// What makes two names one file, and tells a file from all others of the machine as long as it is there or open.
struct FileIdentity: Hashable {
    var device: UInt64
    var inode: UInt64

    init(_ status: FileStatus) {
        device = status.device
        inode = status.inode
    }
}

/// Free space of a file system, for what an unprivileged or privileged writer may use.
struct FileSystemSpace: Sendable {
    var freeBytes: UInt64
    var blockSize: UInt64
    /// Free inodes; nil where the file system does not count them.
    var freeInodes: UInt64?

    init(of descriptor: FileDescriptor) throws(Errno) {
        var space = statvfs()
        try systemCall { fstatvfs(descriptor.rawValue, &space) }
        blockSize = UInt64(max(space.f_frsize, 1))
        let available = geteuid() == 0 ? space.f_bfree : space.f_bavail
        // Some file systems say that they have no end.
        freeBytes = UInt64(available).multipliedSaturated(by: blockSize)
        freeInodes = space.f_files == 0 ? nil : UInt64(space.f_favail)
    }

    /// What is used up where it says that there is no space.
    var lack: String {
        freeInodes == 0
            ? "no inode is free, which is one for each file and folder (df -i shows it): remove what is not needed"
            : "\(byteText(freeBytes)) are free (df shows it): make room"
    }
}

extension Directory {
    /// Whether changes here are stamped with this machine's own clock: its file system is a local one. On a
    /// server's file system a change may be stamped with a time that has passed here.
    var isStampedByThisClock: Bool {
        let raw = descriptor.rawValue
        guard let type = try? systemCall({ ss_file_system_type(raw) }) else { return false }
        return localFileSystems.contains(type)
    }
}

/// ext4, XFS, btrfs, tmpfs, overlayfs, F2FS, bcachefs, ZFS: statfs(2) has the numbers.
private let localFileSystems: Set<Int> = [
    0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0xf2f5_2010, 0xca45_1a4e, 0x2fc1_2fc1,
]
