// Guesses which file of the live release a new one was before it was renamed: bundlers put a hash into names
// (main.3f2a1c.js), packagers a version into folders. A wrong guess costs a useless signature, a right one saves most
// of a file, so names decide and sizes break ties. StagePlanner asks it.

/// An index of the live release's files that are not in the new release at the same path.
struct RenameGuess {
    /// Only so many files of one stem are compared by size.
    private static let mostCandidates = 64
    /// A basis must not be this many times larger or smaller.
    private static let sizeFactor: UInt64 = 4

    private let live: Manifest
    private var byStem: [[UInt8]: [Int32]] = [:]
    /// The same by stems that still have their short numbers: chunks are often named 1234.HASH.js.
    private var byNumberedStem: [[UInt8]: [Int32]] = [:]

    /// - Parameter twins: `live.twins(in: target)`.
    init(live: Manifest, twins: [Int32], target: Manifest) {
        self.live = live
        for index in live.entries.indices where live.entries[index].kind == .file && live.entries[index].size > 0 {
            let twin = twins[index]
            guard twin < 0 || target.entries[Int(twin)].kind != .file else { continue }
            byStem[Self.stem(live.name(of: index)), default: []].append(Int32(index))
            byNumberedStem[Self.stem(live.name(of: index), keepsNumbers: true), default: []].append(Int32(index))
        }
    }

    /// The live file that `entry` of `target` most probably was.
    func basis(for entry: Int, of target: Manifest) -> Int? {
        let name = target.name(of: entry)
        return best(of: byNumberedStem[Self.stem(name, keepsNumbers: true)] ?? [], for: entry, of: target)
            ?? best(of: byStem[Self.stem(name)] ?? [], for: entry, of: target)
    }

    private func best(of candidates: [Int32], for entry: Int, of target: Manifest) -> Int? {
        guard !candidates.isEmpty else { return nil }
        let size = target.entries[entry].size
        let folder = target.components(of: entry).dropLast().map { Self.stem($0) }
        var best: (index: Int, score: (Int, UInt64))?
        for candidate in candidates.prefix(Self.mostCandidates) {
            let index = Int(candidate)
            let other = live.entries[index].size
            guard other / Self.sizeFactor <= size, size / Self.sizeFactor <= other else { continue }
            let otherFolder = live.components(of: index).dropLast().map { Self.stem($0) }
            // Folders are compared from the inside out: the same innermost names count most.
            let common = zip(folder.reversed(), otherFolder.reversed()).prefix { $0 == $1 }.count
            let distance = max(folder.count, otherFolder.count) - common
            let score = (distance, size > other ? size - other : other - size)
            if best.map({ score < $0.score }) ?? true { best = (index, score) }
        }
        return best?.index
    }

    /// A name without its parts that look like hashes or versions.
    ///
    /// - Parameter keepsNumbers: whether decimal numbers of up to five digits stay.
    static func stem(_ name: ArraySlice<UInt8>, keepsNumbers: Bool = false) -> [UInt8] {
        var stem: [UInt8] = []
        var part: [UInt8] = []
        func keepPart() {
            let digits = part.count { (48...57).contains($0) }
            let isHexadecimal = part.allSatisfy { (48...57).contains($0) || (97...102).contains($0 | 0x20) }
            let isVersion = digits == part.count
            let isHash = (digits > 0 && isHexadecimal && part.count >= 4) || (digits > 0 && part.count >= 8)
            let isKept = keepsNumbers && isVersion && digits <= 5
            if isKept || !isVersion && !isHash { stem.append(contentsOf: part) }
            part.removeAll(keepingCapacity: true)
        }
        for byte in name {
            if byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                || byte == UInt8(ascii: "~")
            {
                keepPart()
                if stem.last != byte { stem.append(byte) }
            } else {
                part.append(byte)
            }
        }
        keepPart()
        return stem
    }
}
