// Tells how a slot's actual content differs from what was sealed there: for `verify`, and for the refusal to flip to
// a slot that somebody changed. Times do not count: they are no content.

/// Differences by path.
struct SlotDifferences {
    enum Kind: String {
        case missing, added, content = "other content", mode = "other mode", kind = "other kind", link =
            "other link text"
    }

    private(set) var count = 0
    /// Whether all that was sealed is there, as it was.
    private(set) var isOfAdditionsAlone = true
    /// The first of them, as many as a host names: what, and the path.
    private(set) var named: [(kind: Kind, path: [UInt8])] = []

    init(between sealed: Manifest, and actual: Manifest) {
        let twins = sealed.twins(in: actual)
        var isExpected = [Bool](repeating: false, count: actual.count)
        for index in sealed.entries.indices {
            guard twins[index] >= 0 else {
                note(.missing, sealed.path(of: index))
                continue
            }
            let twin = Int(twins[index])
            isExpected[twin] = true
            let (expected, found) = (sealed.entries[index], actual.entries[twin])
            if expected.kind != found.kind {
                note(.kind, sealed.path(of: index))
            } else if expected.kind == .file && (expected.size != found.size || expected.digest != found.digest) {
                note(.content, sealed.path(of: index))
            } else if expected.kind == .symbolicLink
                && !sealed.linkText(of: index).elementsEqual(actual.linkText(of: twin))
            {
                note(.link, sealed.path(of: index))
            } else if expected.kind != .symbolicLink && !expected.isMet(byMode: found.mode) {
                note(.mode, sealed.path(of: index))
            }
        }
        for index in actual.entries.indices where !isExpected[index] { note(.added, actual.path(of: index)) }
    }

    mutating func note(_ kind: Kind, _ path: [UInt8]) {
        count += 1
        if kind != .added { isOfAdditionsAlone = false }
        if named.count < SlotVerification.mostLines { named.append((kind, path)) }
    }

    var lines: [String] {
        named.map { "\($0.kind.rawValue): \(quoted($0.path.isEmpty ? "." : String(decoding: $0.path, as: UTF8.self)))" }
    }
}
