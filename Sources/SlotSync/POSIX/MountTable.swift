// Where something is mounted below a directory, as /proc/self/mountinfo tells: bind mounts and single files too, which a
// device number does not tell. Whoever fills a slot asks before anything is touched.

import Glibc
import SystemPackage

enum MountTable {
    /// No table that is larger is read.
    private static let largestTable = 64 << 20

    /// The mount points below `directory`, relative to it, sorted; nil where /proc does not tell.
    static func points(below directory: Directory) -> [[UInt8]]? {
        guard let path = directory.ownPath,
            let table = try? contents(of: "/proc/self/mountinfo", atMost: largestTable, what: "table of mounts")
        else { return nil }
        let prefix = path == [UInt8(ascii: "/")] ? path : path + [UInt8(ascii: "/")]
        var points: [[UInt8]] = []
        for line in table.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
            guard fields.count > 4, case let point = unescaped(fields[4]), point.starts(with: prefix),
                point.count > prefix.count
            else { continue }
            points.append(Array(point.dropFirst(prefix.count)))
        }
        return points.sorted { $0.lexicographicallyPrecedes($1) }
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
