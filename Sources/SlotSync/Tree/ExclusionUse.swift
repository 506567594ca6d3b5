// Which of the patterns that somebody wrote one by one matched anything in the source. A pattern that matches nothing
// is often one that was meant otherwise. The walk notes what matches, PreparedRelease tells what did not.

import Synchronization

/// Patterns that wait for an entry to match. Noted by all threads of a walk.
final class ExclusionUse: Sendable {
    private let watched: [(text: String, pattern: ExclusionPattern)]
    /// A bit for each that matched nothing yet.
    private let waiting: Atomic<UInt64>
    private static let most = 64

    /// Nil where there is nothing to watch.
    init?(_ exclusions: Exclusions) {
        watched = exclusions.written.sorted { $0.key < $1.key }.prefix(Self.most)
            .map { ($0.value, exclusions.patterns[$0.key]) }.filter { !$0.pattern.isNegated }
        guard !watched.isEmpty else { return nil }
        waiting = Atomic(watched.count == Self.most ? .max : 1 << UInt64(watched.count) - 1)
    }

    func note(_ path: borrowing Span<UInt8>, isDirectory: Bool) {
        var left = waiting.load(ordering: .relaxed)
        guard left != 0 else { return }
        var name = path.count
        while name > 0, path[name - 1] != UInt8(ascii: "/") { name -= 1 }
        while left != 0 {
            let index = left.trailingZeroBitCount
            left &= left - 1
            if watched[index].pattern.matches(path, nameAt: name, isDirectory: isDirectory) {
                waiting.bitwiseAnd(~(1 << UInt64(index)), ordering: .relaxed)
            }
        }
    }

    /// The patterns that matched nothing, as they were written.
    var unused: [String] {
        let left = waiting.load(ordering: .relaxed)
        return watched.indices.filter { left >> UInt64($0) & 1 == 1 }.map { watched[$0].text }
    }

    /// What was probably meant by a pattern that matched nothing; nil: it looks as patterns do.
    ///
    /// - Parameters:
    ///   - source: the source's path, absolute.
    ///   - manifest: what was not left out.
    static func hint(_ text: String, source: String, manifest: Manifest) -> String? {
        let path = text.drop { $0 == "!" }
        let folder = source.split(separator: "/").last.map(String.init) ?? ""
        if path.hasPrefix(source + "/") {
            return "paths begin at the top of the source: write \(quoted(path.dropFirst(source.count)))"
        }
        if !folder.isEmpty, path.hasPrefix(folder + "/") {
            return "paths begin at the top of the source: write \(quoted(path.dropFirst(folder.count)))"
        }
        if path.hasPrefix("~") { return "paths begin at the top of the source, and ~ is no home there" }
        if path.last == "/" {
            let name = path.dropLast().drop { $0 == "/" }
            let names = name.utf8.split(separator: UInt8(ascii: "/")).map { Array($0)[...] }
            if manifest.entry(at: names) != nil { return "it is no folder here: write it without the / at its end" }
        }
        let inner = text.drop { $0 == " " || $0 == "\t" }
        if inner.count < text.count, !inner.isEmpty {
            return "it begins with white space, which is part of it: write \(quoted(inner))"
        }
        if text.contains(where: { $0 == " " || $0 == "\t" }) {
            return "it holds white space: write each pattern by itself"
        }
        if text.contains(",") || text.contains("{") {
            return "write each pattern by itself: commas and braces mean nothing"
        }
        if text.contains("\\") { return "folders are parted by /, and a \\ takes the next character as it is" }
        if let mark = text.first, mark == text.last, mark == "'" || mark == "\"" {
            return "it holds the quotation marks"
        }
        if text.hasPrefix("#") { return "a pattern is taken as it is, and # begins no comment" }
        return nil
    }
}
