// Whose signature a release needs on this host: keys that root has named, in the agent's policy or in a file of its command
// line. AgentSession asks before anything is touched.

/// Keys whose signatures count.
struct Signers: Equatable, Sendable {
    /// Where they were read from, for messages.
    var places: [String] = []
    var keys: [SSHPublicKey] = []

    /// A file of keys is no larger, in bytes.
    static let largestFile = 64 << 10

    init() {}

    /// Reads a file of keys, one a line: as a `.pub` file has it, or as OpenSSH's allowed signers.
    ///
    /// - Throws: ``SlotSyncError``: see ``TrustedFile``; `refused` for a line that is not understood, or none.
    init(reading path: String) throws(SlotSyncError) {
        let what = "the file of keys"
        let bytes = try TrustedFile(path: path, bound: Self.largestFile, what: what).contents()
        places = [path]
        for (index, line) in String(decoding: bytes, as: UTF8.self).split(
            separator: "\n", omittingEmptySubsequences: false
        ).enumerated() {
            let text = line.trimmed
            guard let first = text.first, first != "#" else { continue }
            guard let key = Self.key(text) else {
                throw SlotSyncError(.refused, "\(what) \(quoted(path)), line \(index + 1): \(Self.wrongKey)")
            }
            keys.append(key)
        }
        guard !keys.isEmpty else { throw SlotSyncError(.refused, "\(what) \(quoted(path)) has none") }
    }

    /// The keys of a policy and of a file together; nil where neither names any.
    init?(policy: AgentPolicy?, file: String?) throws(SlotSyncError) {
        if let file { self = try Signers(reading: file) } else { self.init() }
        if let policy, !policy.signers.isEmpty {
            places.append(policy.path)
            keys += policy.signers
        }
        if keys.isEmpty { return nil }
    }

    static let wrongKey =
        "it takes an Ed25519 key as its .pub file has it (`ssh-ed25519 AAAA…`), or as allowed signers (`NAME "
        + "namespaces=\"slotsync\" ssh-ed25519 AAAA…`), with no other options"

    /// The key of a line. Of allowed signers' options `namespaces` alone is known: what is not understood must not be
    /// taken for nothing.
    static func key(_ line: Substring) -> SSHPublicKey? {
        var words = line.split(whereSeparator: \.isWhitespace)[...]
        if let first = words.first, !SSHPublicKey.types.contains(String(first)) {
            words = words.dropFirst()
            if words.first == "namespaces=\"\(ReleaseStatement.namespace)\"" { words = words.dropFirst() }
        }
        guard words.count >= 2, let type = words.popFirst(), let blob = words.first.flatMap({ base64($0.utf8) }),
            let key = SSHPublicKey(blob: blob), key.type == type
        else { return nil }
        return key
    }

    /// Refuses a release that none of these has signed.
    func check(_ signature: [UInt8], of manifest: Manifest, _ release: ReleaseName) throws(SlotSyncError) {
        let shown = release.name.isEmpty ? "\(release.id)" : "\(release.id), named \(quoted(release.name)),"
        func refusal(_ why: String) -> SlotSyncError {
            let place = places.map { quoted($0) }.joined(separator: ", ")
            return SlotSyncError(
                .refused, "release \(shown) \(why), and this host takes those alone that a key of \(place) has signed: "
                    + "`slotsync sign` signs it, and `--signature` sends that. Nothing was changed")
        }
        guard !signature.isEmpty else { throw refusal("is not signed") }
        guard manifest.hasSHA256 else { throw refusal("has no SHA-256 (`--digest sha256`), which a signature needs") }
        let read = try SSHSignature(signature)
        guard keys.contains(read.key) else { throw refusal("is signed by another key") }
        guard read.isOf(manifest, name: release.name) else { throw refusal("has a signature of something else") }
    }
}

extension AgentSession {
    /// Refuses to stage what is not signed, where that is asked for.
    func checkSignature(_ request: StageRequest, _ target: Manifest, seeds: Manifest) throws(SlotSyncError) {
        guard let signers else { return }
        try signers.check(request.signature, of: target, request.release)
        guard let seed = seeds.entries.indices.first(where: { seeds.entries[$0].kind == .file }) else { return }
        throw SlotSyncError(
            .refused,
            "the signature does not cover what is seeded into `shared` (\(namedPaths([seeds.path(of: seed)]))): put it there "
                + "by hand, and leave it out of the source. Nothing was changed")
    }

    /// Refuses to make live what is not signed, where that is asked for. A way back is none of that: what was live here
    /// before may be live again.
    func checkSignature(of slot: Int, _ request: FlipRequest, _ ring: Ring) throws {
        guard let signers, let release = ring.status[slot].release, slot != ring.status.live else { return }
        if request.direction == .rollback, ring.hasBeenLive(release.id) { return }
        guard let record = try ring.record(of: slot) else {
            throw SlotSyncError(
                .refused,
                "the record of slot \(slot) in \(quoted(root)) is missing or damaged, so nobody can tell that its release is "
                    + "signed: stage it again")
        }
        try signers.check(ring.signature(of: slot), of: record.manifest, release)
    }
}
