// Opens what a person names on this machine: a hosts file, exclusions, a configuration, a folder of caches. A link on the way
// is followed only where root or this process's user made it. Whoever may write to a folder on the way could otherwise have
// another file read in its place, and quoted in an error, or another folder filled. rsync 3.5 has the same rule.

import CSystemCalls
import Glibc
package import SystemPackage

extension FileDescriptor {
    /// As many links on one way as the kernel follows.
    private static let mostLinks = 40
    /// What statfs(2) says of /proc.
    private static let processes = 0x9fa0

    /// Opens a file by its path, component by component. The corresponding C function is `openat`.
    ///
    /// - Throws: `Errno`; ``SlotSyncError`` with the code `badInput` for a link of another user.
    package static func open(named path: FilePath, _ flags: CInt, mode: UInt32 = 0) throws -> FileDescriptor {
        var left = components(path.withPlatformString { Array(String(cString: $0).utf8) })
        var folder = Directory(owning: try place(nil, path.isAbsolute ? "/" : ".", ss_path_only | O_DIRECTORY))
        var links = 0
        while let name = left.popLast() {
            let isLast = left.isEmpty
            let found: Directory
            do { found = Directory(owning: try place(folder, name, ss_path_only | O_NOFOLLOW)) } catch {
                guard isLast, error == .noSuchFileOrDirectory else { throw error }
                return try place(folder, name, flags | O_NOFOLLOW, mode: mode)
            }
            let status = try found.status()
            guard status.kind == .symbolicLink else {
                if isLast { return try place(folder, name, flags | O_NOFOLLOW, mode: mode) }
                folder = found
                continue
            }
            guard status.owner == 0 || status.owner == geteuid() else {
                throw SlotSyncError(
                    .badInput,
                    "\(quoted(path.string)): the link \(quoted(name)) on the way belongs to \(userName(of: status.owner)), "
                        + "and only links of root's and of your own are followed: name the file itself")
            }
            // What a process has open has no other name: `<(…)` of a shell, /dev/stdin.
            if try systemCall({ ss_file_system_type(found.descriptor.rawValue) }) == processes {
                if isLast { return try place(folder, name, flags, mode: mode) }
                folder = Directory(owning: try place(folder, name, ss_path_only | O_DIRECTORY))
                continue
            }
            links += 1
            guard links <= mostLinks else { throw Errno.tooManySymbolicLinkLevels }
            let text = try found.readLink("")
            if text.first == UInt8(ascii: "/") {
                folder = Directory(owning: try place(nil, "/", ss_path_only | O_DIRECTORY))
            }
            left += components(text)
        }
        return try place(folder, ".", flags)
    }

    /// Throws where a link of another user stands on the way to what is going to be written.
    package static func checkLinks(of path: FilePath) throws {
        do { try open(named: path, ss_path_only).close() } catch Errno.noSuchFileOrDirectory {}
    }

    /// The names of a path, the last one first.
    private static func components(_ path: [UInt8]) -> [String] {
        path.split(separator: UInt8(ascii: "/")).reversed().map { String(decoding: $0, as: UTF8.self) }
    }

    private static func place(
        _ folder: Directory?, _ name: String, _ flags: CInt, mode: UInt32 = 0
    ) throws(Errno) -> FileDescriptor {
        let raw = folder?.descriptor.rawValue ?? AT_FDCWD
        return FileDescriptor(rawValue: try systemCall { openat_mode(raw, name, flags | O_CLOEXEC, mode) })
    }
}

extension Directory {
    /// Opens a folder that a person named, with the same care.
    convenience init(named path: FilePath) throws {
        self.init(owning: try .open(named: path, O_RDONLY | O_DIRECTORY))
    }
}
