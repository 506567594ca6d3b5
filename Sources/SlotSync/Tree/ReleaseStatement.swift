// What a signature of a release is a signature of: a few lines of text that name the release and the SHA-256 of its
// manifest, which has that of each file. `slotsync sign` has ssh-keygen sign them; an agent writes them anew from what it was
// given, and compares.

/// The statement that a signature covers. docs/formats.md has its form.
public struct ReleaseStatement: Sendable, Hashable {
    /// Which release.
    public let release: ReleaseName
    let sha256: SHA256Digest

    /// What `ssh-keygen -Y sign -n` is called with: a signature for anything else is none of a release.
    public static let namespace = "slotsync"

    /// The statement about a manifest whose files have their SHA-256; nil where they have not.
    init?(_ manifest: Manifest, name: String) {
        guard manifest.hasSHA256 else { return nil }
        let identity = manifest.identity
        release = ReleaseName(id: ContentDigest(of: identity), name: name)
        sha256 = SHA256Digest(of: identity)
    }

    /// The lines. A name holds no control character, so that none of it can be another line.
    public var text: String {
        "slotsync release 1\nid \(release.id)\nsha256 \(sha256)\nname \(release.name)\n"
    }
}

extension SSHSignature {
    /// Whether this is a signature of a release, by whomever.
    func isOf(_ manifest: Manifest, name: String) -> Bool {
        guard let statement = ReleaseStatement(manifest, name: name) else { return false }
        return isOf(statement.text, namespace: ReleaseStatement.namespace)
    }
}
