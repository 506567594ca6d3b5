// Which processes use a directory: they work in it, have files below it open or mapped, or run a program from there, also
// where it is mounted a second time, or in a container. As far as /proc shows it to this user: an agent that is not root
// sees its own user's processes alone.

import Dispatch
import Glibc
import Synchronization
import SystemPackage

enum ProcessTable {
    /// No more descriptors of one process are looked at, and no more bytes of its maps.
    private static let mostDescriptors = 4096
    private static let largestMaps = 16 << 20

    /// What was found so far.
    private final class Findings: Sendable {
        let users = Mutex<[(name: String, pid: Int32)]>([])
    }

    /// The processes that use what is below `directory`, this one left out: `php-fpm (pid 812)`, sorted.
    ///
    /// - Parameter limit: how long that may take. To read of a process that hangs in the kernel may hang as well.
    static func users(of directory: Directory, within limit: Duration = .seconds(2)) -> [String] {
        guard let path = directory.ownPath else { return [] }
        let look = Look(path: path, identity: (try? directory.status()).map { FileIdentity($0) })
        let (findings, isDone) = (Findings(), DispatchSemaphore(value: 0))
        let looking = try? SystemThread {
            find(look, findings)
            isDone.signal()
        }
        guard let looking else { return [] }
        looking.detach()
        _ = isDone.wait(timeout: .now() + .milliseconds(limit.wholeMilliseconds))
        let users = findings.users.withLock { $0 }
        return users.sorted { ($0.name, $0.pid) < ($1.name, $1.pid) }.map { "\($0.name) (pid \($0.pid))" }
    }

    private static func find(_ look: Look, _ findings: Findings) {
        guard let processes = try? Directory(path: "/proc"), let names = try? processes.names() else { return }
        var look = look
        for pid in names.compactMap({ Int32($0) }) where pid != getpid() {
            guard let process = try? processes.openDirectory("\(pid)") else { continue }
            look.lookFrom(process, "\(pid)")
            guard look.isUsed(by: process) else { continue }
            let name = (try? contents(of: FilePath("/proc/\(pid)/comm"), atMost: 4096, what: "name of a process")) ?? []
            let shown = escapedForDisplay(String(decoding: name.prefix { $0 != 10 }, as: UTF8.self))
            findings.users.withLock { $0.append((shown, pid)) }
        }
    }

    private struct Look {
        let path: [UInt8]
        let identity: FileIdentity?
        /// The mounts of this process, and by namespace of mounts the places where the directory is found in it.
        private let own = try? MountTable.mounts(of: "self")
        private var placesOfNamespaces: [[UInt8]: [[UInt8]]] = [:]
        /// Where the process that is looked at finds the directory.
        private var places: [[UInt8]] = []

        init(path: [UInt8], identity: FileIdentity?) {
            self.path = path
            self.identity = identity
        }

        mutating func lookFrom(_ process: Directory, _ pid: String) {
            places = [path]
            guard let own, let namespace = try? process.readLink("ns/mnt") else { return }
            if let known = placesOfNamespaces[namespace] {
                places = known
            } else if let mounts = try? MountTable.mounts(of: pid) {
                // What /proc tells of a process of our own namespace are paths as we see them, whatever its root is.
                let isOurs = namespace == (try? Directory(path: "/proc/self").readLink("ns/mnt"))
                places = MountTable.places(of: path, own, in: isOurs ? own : mounts)
                placesOfNamespaces[namespace] = places
            }
        }

        func isUsed(by process: Directory) -> Bool {
            for name in ["cwd", "root", "exe"] where isBelow(try? process.readLink(name)) { return true }
            // In a container the same folder has another path.
            for name in ["cwd", "root"] {
                if let identity, let status = try? process.followed(name), FileIdentity(status) == identity {
                    return true
                }
            }
            if let descriptors = try? process.openDirectory("fd"), let names = try? descriptors.names() {
                for name in names.prefix(mostDescriptors) where isBelow(try? descriptors.readLink(name)) { return true }
            }
            return isMapped(by: process)
        }

        private func isBelow(_ link: [UInt8]?) -> Bool {
            guard let link else { return false }
            return places.contains { place in
                guard link.starts(with: place) else { return false }
                return link.count == place.count || link[place.count] == UInt8(ascii: "/")
                    || link.dropFirst(place.count).starts(with: " (deleted)".utf8)
            }
        }

        private func isMapped(by process: Directory) -> Bool {
            guard let file = try? process.openFile("maps", O_RDONLY) else { return false }
            defer { try? file.close() }
            var bytes: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 64 << 10)
            while bytes.count < largestMaps,
                let count = try? chunk.withUnsafeMutableBytes({ try file.read(into: $0) }), count > 0
            {
                bytes.append(contentsOf: chunk[..<count])
            }
            // A line ends with the path of its file, behind spaces; the others name none.
            return bytes.split(separator: 10).contains { line in
                line.firstIndex(of: UInt8(ascii: "/")).map { isBelow(Array(line[$0...])) } ?? false
            }
        }
    }
}
