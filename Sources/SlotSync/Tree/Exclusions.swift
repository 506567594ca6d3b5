// What a release leaves out: patterns in gitignore's language, the last one that matches decides.
// The walk asks for every entry before it stats or descends; it does not descend into an excluded
// directory, so nothing below one can be taken back in. The language is described in docs/exclusions.md.

public import SystemPackage

/// A list of exclusion patterns.
///
/// ```swift
/// var exclusions = Exclusions()
/// try exclusions.add(pattern: "*.log")
/// try exclusions.add(pattern: "!keep.log")
/// exclusions.excludes(path: Array("logs/a.log".utf8), isDirectory: false)     // true
/// exclusions.excludes(path: Array("logs/keep.log".utf8), isDirectory: false)  // false
/// ```
public struct Exclusions: Sendable, Hashable {
    private(set) var patterns: [ExclusionPattern] = []
    /// Patterns that were given one by one, as they were written, by their place among ``patterns``. A file's are not here: a
    /// .gitignore lists much that is not there.
    private(set) var written: [Int: String] = [:]

    /// The largest file of patterns that is read, in bytes.
    static let largestFile = 1 << 20

    /// Excludes nothing.
    public init() {}

    /// Whether there is no pattern at all, and so nothing to ask.
    public var isEmpty: Bool { patterns.isEmpty }

    /// Adds one pattern, which overrides those before it. It is taken as it is: `#` begins no comment
    /// and spaces at its end count, as for `--exclude`.
    ///
    /// - Throws: ``SlotSyncError`` with code `badInput` if the pattern could never match anything.
    public mutating func add(pattern: String) throws(SlotSyncError) {
        patterns.append(try ExclusionParser.parse(Array(pattern.utf8)))
        written[patterns.count - 1] = pattern
    }

    /// Leaves out one entry, whatever its name consists of.
    ///
    /// - Parameter path: relative to the release's top.
    mutating func add(path: [UInt8]) {
        let segments = path.split(separator: UInt8(ascii: "/")).map { name in
            ExclusionPattern.Segment.name(NameGlob(name.map { .byte($0) }))
        }
        patterns.append(
            ExclusionPattern(segments: segments, isNegated: false, isForDirectories: false, isAnchored: true))
    }

    /// Adds the patterns of `other`, which override those before them.
    public mutating func add(_ other: Exclusions) {
        for (index, text) in other.written { written[patterns.count + index] = text }
        patterns += other.patterns
    }

    /// The patterns of a file, one a line; blank lines and lines that begin with `#` count for nothing,
    /// nor do spaces at a line's end, unless a backslash stands before them.
    ///
    /// - Throws: ``SlotSyncError``: the system's error if the file cannot be read, `badInput` with file
    ///   and line for a pattern that could never match anything.
    public static func read(file: FilePath) throws(SlotSyncError) -> Exclusions {
        let bytes = try contents(of: file, atMost: largestFile, what: "exclusion file")
        return try Exclusions(fileContents: bytes, name: file.string, of: file)
    }

    /// - Parameter file: where they stand; nil: nowhere.
    init(fileContents: [UInt8], name: String, of file: FilePath? = nil) throws(SlotSyncError) {
        let lines = withoutByteOrderMark(fileContents).split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() where line.first != UInt8(ascii: "#") {
            let text = Exclusions.trimmed(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
            guard !text.isEmpty, text != [UInt8(ascii: "/")] else { continue }
            do {
                patterns.append(try ExclusionParser.parse(text))
            } catch {
                throw SlotSyncError(error.code, "\(name):\(index + 1): \(reason(error, ofLineIn: file))")
            }
        }
    }

    /// Without the spaces at the end that no backslash protects.
    private static func trimmed(_ line: ArraySlice<UInt8>) -> [UInt8] {
        var end = line.startIndex
        var index = line.startIndex
        while index < line.endIndex {
            if line[index] == UInt8(ascii: "\\") {
                index = min(index + 2, line.endIndex)
                end = index
            } else {
                if line[index] != UInt8(ascii: " ") { end = index + 1 }
                index += 1
            }
        }
        return Array(line[..<end])
    }

    /// Whether the entry at `path` is left out: relative to the release's top, names joined by `/`,
    /// no slash at either end. Speaks for this entry alone; what is below an excluded directory is out
    /// because the walk never gets there.
    public func excludes(path: borrowing Span<UInt8>, isDirectory: Bool) -> Bool {
        if patterns.isEmpty { return false }
        var name = path.count
        while name > 0, path[name - 1] != UInt8(ascii: "/") { name -= 1 }
        var index = patterns.count
        while index > 0 {
            index -= 1
            if patterns[index].matches(path, nameAt: name, isDirectory: isDirectory) {
                return !patterns[index].isNegated
            }
        }
        return false
    }

    /// Whether the entry at `path` is left out.
    public func excludes(path: [UInt8], isDirectory: Bool) -> Bool {
        excludes(path: path.span, isDirectory: isDirectory)
    }
}
