// How a slot's actual content differs from what was sealed there: for `verify`, which walks all that is there, and for
// the check before a flip (SlotCheck). Times do not count: they are no content.

/// Differences by path.
struct SlotDifferences {
    enum Kind: String {
        case missing, added, content = "other content", mode = "other mode", kind = "other kind", link =
            "other link text"
        case unreadable = "cannot be read"
        /// Something is mounted on it, and hides what the release has there.
        case covered = "covered by a mount, unmount it"
        /// Something is mounted on a folder of the release that holds nothing: an addition.
        case mount = "a mount"
        case attributes = "other extended attributes"
        /// An addition that the stage of the slot kept on purpose.
        case kept

        /// Whether the release is no longer what it was: applications add files to it and set modes, and it still is.
        var isOfContent: Bool { !isAddition && self != .mode && self != .attributes }
        var isAddition: Bool { self == .added || self == .kept || self == .mount }
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
    /// The first path that something is mounted on, which hides what the release has there.
    private(set) var covered: [UInt8]?
    /// The first of them, as many as a host names: what, and the path.
    private(set) var named: [(kind: Kind, path: [UInt8])] = []

    /// - Parameter unreadable: directories of `actual` that could not be read, by path: what is below them is not known,
    ///   and so not missing. One that was added is an addition as any other.
    /// - Parameter kept: additions to folders of `sealed` that are there on purpose, and all below these.
    /// - Parameter mounts: what something is mounted on, by path: nor is known what is below that.
    init(
        between sealed: Manifest, and actual: Manifest, unreadable: [[UInt8]] = [], kept: KeptNames = [:],
        mounts: [[UInt8]] = []
    ) {
        let twins = sealed.twins(in: actual)
        var isClosed = [Bool](repeating: false, count: sealed.count)
        var isCovered = isClosed
        for path in mounts {
            guard let index = sealed.entry(at: path.split(separator: UInt8(ascii: "/"))), !isCovered[index] else {
                continue
            }
            (isClosed[index], isCovered[index]) = (true, true)
            note(Self.kind(ofMountOn: index, of: sealed), path)
        }
        for path in unreadable {
            guard let index = sealed.entry(at: path.split(separator: UInt8(ascii: "/"))), !isClosed[index] else {
                continue
            }
            isClosed[index] = true
            note(.unreadable, path)
        }
        var isExpected = [Bool](repeating: false, count: actual.count)
        var isKept = isExpected
        // The folder of the release that one of the slot is.
        var folders = [Int](repeating: -1, count: actual.count)
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
            folders[twin] = index
            if isCovered[index] { continue }
            let (expected, found) = (sealed.entries[index], actual.entries[twin])
            if expected.kind != found.kind {
                note(.kind, sealed.path(of: index))
            } else if expected.kind == .file && found.size == expected.size && found.digest == TreeHashing.unknown {
                note(.unreadable, sealed.path(of: index))
            } else if expected.kind == .file && !actual.hasContent(of: index, in: sealed, twin) {
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
            let parent = Int(actual.entries[index].parent)
            isKept[index] = isKept[parent] || kept[folders[parent]]?.contains(Array(actual.name(of: index))) == true
            note(isKept[index] ? .kept : .added, actual.path(of: index))
        }
    }

    /// What a mount on an entry of a release is.
    static func kind(ofMountOn index: Int, of sealed: Manifest) -> Kind {
        sealed.entries[index].kind == .directory && sealed.children(of: index).isEmpty ? .mount : .covered
    }

    /// None yet.
    init() {}

    mutating func note(_ kind: Kind, _ path: @autoclosure () -> [UInt8]) {
        count += 1
        if kind.isAddition { additions += 1 }
        if kind == .kept { kept += 1 }
        if kind == .covered, covered == nil { covered = path() }
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
