// What /proc/PID/mountinfo tells of a directory: where something is mounted below it (bind mounts and single files too, which
// a device number does not tell), and where else it can be found. Whoever fills a slot asks before anything is touched.

import Glibc
import SystemPackage

enum MountTable {
    /// No table that is larger is read.
    private static let largestTable = 64 << 20

    /// The mount points below `directory`, relative to it, sorted; nil where /proc does not tell.
    static func points(below directory: Directory) -> [[UInt8]]? {
        guard let path = directory.ownPath, let mounts = try? Self.mounts(of: "self") else { return nil }
        let prefix = path == [UInt8(ascii: "/")] ? path : path + [UInt8(ascii: "/")]
        let points = mounts.map(\.point).filter { $0.starts(with: prefix) && $0.count > prefix.count }
        return points.map { Array($0.dropFirst(prefix.count)) }.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// One mount, as a process sees it.
    struct Mount {
        /// Of the file system: `8:1`.
        var device: [UInt8]
        /// What of the file system is mounted: a path in it.
        var root: [UInt8]
        var point: [UInt8]

        /// The components of a path in the file system that are below another one; nil: it is not.
        fileprivate static func rest(of path: [UInt8], below folder: [UInt8]) -> ArraySlice<UInt8>? {
            if folder == [UInt8(ascii: "/")] { return path == folder ? [] : path[...] }
            guard path.starts(with: folder), case let rest = path.dropFirst(folder.count),
                rest.isEmpty || rest.first == UInt8(ascii: "/")
            else { return nil }
            return rest
        }

        fileprivate static func joined(_ folder: [UInt8], _ rest: ArraySlice<UInt8>) -> [UInt8] {
            folder == [UInt8(ascii: "/")] && !rest.isEmpty ? Array(rest) : folder + rest
        }
    }

    /// The mounts that a process sees, in the order in which they were made.
    ///
    /// - Parameter process: its ID, or `self`.
    static func mounts(of process: String) throws -> [Mount] {
        let table = try contents(
            of: FilePath("/proc/\(process)/mountinfo"), atMost: largestTable, what: "table of mounts")
        return table.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
            guard fields.count > 4 else { return nil }
            return Mount(device: Array(fields[2]), root: unescaped(fields[3]), point: unescaped(fields[4]))
        }
    }

    /// Where a process finds a directory and what is below it: at its path, where it is mounted a second time, in a container.
    ///
    /// - Parameters:
    ///   - path: the directory's path in this process.
    ///   - own: the mounts that this process sees.
    ///   - mounts: those that the other one sees.
    static func places(of path: [UInt8], _ own: [Mount], in mounts: [Mount]) -> [[UInt8]] {
        // Of several mounts at one point the last one covers the others.
        var home: (mount: Mount, rest: ArraySlice<UInt8>)?
        for mount in own where mount.point.count >= home?.mount.point.count ?? 0 {
            if let rest = Mount.rest(of: path, below: mount.point) { home = (mount, rest) }
        }
        guard let home, case let inside = Mount.joined(home.mount.root, home.rest) else { return [] }
        return mounts.compactMap { mount in
            guard mount.device == home.mount.device else { return nil }
            if let rest = Mount.rest(of: inside, below: mount.root) { return Mount.joined(mount.point, rest) }
            // A folder of it.
            return Mount.rest(of: mount.root, below: inside) == nil ? nil : mount.point
        }
    }

    /// A path without the escapes that the table has for white space and backslashes: `\040`.
    private static func unescaped(_ field: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = field
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.count >= 3,
                let value = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return bytes
    }
}
