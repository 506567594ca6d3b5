// How a slot's actual content differs from what was sealed there: for `verify`, which walks all that is there, and for
// the check before a flip (SlotCheck). Times do not count: they are no content.

/// Differences by path.
struct SlotDifferences {
    enum Kind: String {
        case missing, added, content = "other content", mode = "other mode", kind = "other kind", link =
            "other link text"
        case unreadable = "cannot be read"
        case attributes = "other extended attributes"
        /// An addition in a folder where the stage of the slot kept such on purpose.
        case kept

        /// Whether the release is no longer what it was: applications add files to it and set modes, and it still is.
        var isOfContent: Bool { !isAddition && self != .mode && self != .attributes }
        var isAddition: Bool { self == .added || self == .kept }
    }

    private(set) var count = 0
    /// How many are additions.
    private(set) var additions = 0
    /// How many of these are kept.
    private(set) var kept = 0
    /// Whether all that was sealed is there, as it was.
    var isOfAdditionsAlone: Bool { additions == count }
    /// How many are of the content.
    private(set) var contentCount = 0
    /// The first of them, as many as a host names: what, and the path.
    private(set) var named: [(kind: Kind, path: [UInt8])] = []

    /// - Parameter unreadable: directories of `actual` that could not be read, by path: what is below them is not known,
    ///   and so not missing. One that was added is an addition as any other.
    /// - Parameter mixed: folders of `sealed` where additions are kept, and below these.
    init(between sealed: Manifest, and actual: Manifest, unreadable: [[UInt8]] = [], mixed: Set<Int> = []) {
        let twins = sealed.twins(in: actual)
        var isClosed = [Bool](repeating: false, count: sealed.count)
        for path in unreadable {
            guard let index = sealed.entry(at: path.split(separator: UInt8(ascii: "/"))) else { continue }
            isClosed[index] = true
            note(.unreadable, path)
        }
        var isExpected = [Bool](repeating: false, count: actual.count)
        var isMixed = isExpected
        for index in sealed.entries.indices {
            if index > 0, isClosed[Int(sealed.entries[index].parent)] {
                isClosed[index] = true
                continue
            }
            guard twins[index] >= 0 else {
                note(.missing, sealed.path(of: index))
                continue
            }
            let twin = Int(twins[index])
            isExpected[twin] = true
            isMixed[twin] = mixed.contains(index)
            let (expected, found) = (sealed.entries[index], actual.entries[twin])
            if expected.kind != found.kind {
                note(.kind, sealed.path(of: index))
            } else if expected.kind == .file && found.size == expected.size && found.digest == TreeHashing.unknown {
                note(.unreadable, sealed.path(of: index))
            } else if expected.kind == .file && (expected.size != found.size || expected.digest != found.digest) {
                note(.content, sealed.path(of: index))
            } else if expected.kind == .symbolicLink
                && !sealed.linkText(of: index).elementsEqual(actual.linkText(of: twin))
            {
                note(.link, sealed.path(of: index))
            } else if expected.kind != .symbolicLink && !expected.isMet(byMode: found.mode) {
                note(.mode, sealed.path(of: index))
            } else if actual.hasExtendedAttributes, sealed.hasExtendedAttributes,
                !sealed.extendedAttributes[index].isMet(by: actual.extendedAttributes[twin])
            {
                note(.attributes, sealed.path(of: index))
            }
        }
        for index in actual.entries.indices where !isExpected[index] {
            isMixed[index] = isMixed[Int(actual.entries[index].parent)]
            note(isMixed[index] ? .kept : .added, actual.path(of: index))
        }
    }

    /// None yet.
    init() {}

    mutating func note(_ kind: Kind, _ path: @autoclosure () -> [UInt8]) {
        count += 1
        if kind.isAddition { additions += 1 }
        if kind == .kept { kept += 1 }
        if kind.isOfContent { contentCount += 1 }
        // Of the content some are named, however much was added besides.
        let isWanted = kind.isOfContent && contentCount <= Self.mostShown
        if named.count < SlotVerification.mostLines || isWanted { named.append((kind, path())) }
    }

    /// The first few in one line, those of the content before others: `missing: "a", added: "b" and 7 more`; empty:
    /// there are none.
    var summary: String {
        let shown = (named.filter(\.kind.isOfContent) + named.filter { !$0.kind.isOfContent }).prefix(Self.mostShown)
        let more = count > shown.count ? " and \(count - shown.count) more" : ""
        return shown.map { Self.line($0, $1) }.joined(separator: ", ") + more
    }

    private static let mostShown = 3

    var lines: [String] { named.map { Self.line($0, $1) } }

    private static func line(_ kind: Kind, _ path: [UInt8]) -> String {
        "\(kind.rawValue): \(quoted(path.isEmpty ? "." : String(decoding: path, as: UTF8.self)))"
    }
}
