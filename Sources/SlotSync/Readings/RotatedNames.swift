// The names that logs get when they are rotated. LogReader looks for files that it never saw under their first name.

import SystemPackage

enum RotatedNames {
    /// The files beside `path` that have its name and a number or a date behind it, and were made at `moment` or
    /// later, the oldest first. None where the file system does not keep when a file was made.
    static func made(since moment: Timestamp, from path: String) -> [String] {
        let path = FilePath(path)
        guard let name = path.lastComponent?.string else { return [] }
        let folder = path.removingLastComponent()
        guard let directory = try? Directory(path: folder), let names = try? directory.names() else { return [] }
        var found: [(birth: Timestamp, path: String)] = []
        for other in names where isRotated(other, from: name) {
            guard let birth = try? directory.birth(of: other), birth >= moment else { continue }
            found.append((birth, folder.appending(other).string))
        }
        return found.sorted { $0.birth < $1.birth }.map(\.path)
    }

    /// `error.log.1`, `error.log-20261124`, `error.log.old`; what is compressed cannot be read as lines.
    static func isRotated(_ other: String, from name: String) -> Bool {
        guard other.hasPrefix(name) else { return false }
        let rest = other.dropFirst(name.count)
        guard let mark = rest.first, mark == "." || mark == "-" else { return false }
        let end = rest.dropFirst()
        return end == "old" || !end.isEmpty && end.utf8.allSatisfy { "0123456789.-_:T".utf8.contains($0) }
    }
}
