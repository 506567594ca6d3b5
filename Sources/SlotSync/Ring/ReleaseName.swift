// A release as it is named everywhere: by its ID and, if a person gave it one, by a name. Slots, reports and messages
// hold it.

/// A release as people and scripts name it.
public struct ReleaseName: Hashable, Sendable {
    /// XXH3-128 of the manifest's identity part.
    public var id: ContentDigest
    /// The human's name (`--name`), empty if none was given.
    public var name: String

    /// A release, with or without a name.
    public init(id: ContentDigest, name: String = "") {
        self.id = id
        self.name = name
    }

    /// The longest name, in bytes.
    package static let longestName = 255

    /// Whether a release may have this name. It is shown and typed again, so it cannot be escaped like other text:
    /// 255 bytes at most, and nothing invisible.
    public static func isUsable(name: String) -> Bool {
        name.utf8.count <= longestName && name == escapedForDisplay(name)
    }
}
