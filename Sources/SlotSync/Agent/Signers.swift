// Whose signature a release needs: on a host keys that root has named, in the agent's policy or in a file of its command line, and
// on the controller those of `--verify-key`. AgentSession asks before anything is touched.

public import SystemPackage

/// Keys whose signatures count.
public struct Signers: Equatable, Sendable {
    /// Where they were read from, for messages.
    private var places: [String] = []
    private var signers: [AllowedSigner] = []
    /// What does not take what they have not signed.
    private var taker = "this host"

    /// A file of keys is no larger, in bytes.
    private static let largestFile = 64 << 10
    private static let what = "the file of keys"

    /// Reads the controller's file of keys, one a line: as a `.pub` file has it, or as OpenSSH's allowed signers.
    ///
    /// - Throws: ``SlotSyncError`` with the code `badInput` for a file that cannot be read, has a line that is not understood,
    ///   or no key for releases.
    public init(file: FilePath) throws(SlotSyncError) {
        let bytes = try contents(of: file, atMost: Self.largestFile, what: Self.what)
        do { try self.init(parsing: bytes, of: file.string) } catch {
            throw SlotSyncError(.badInput, error.message)
        }
        taker = "`--verify-key`"
    }

    /// The keys of a host's policy and of a file together; nil where neither is named.
    ///
    /// - Throws: ``SlotSyncError``: see ``TrustedFile``; `refused` for a line that is not understood, or a file without keys.
    init?(policy: AgentPolicy?, file: String?) throws(SlotSyncError) {
        if let file {
            let bytes = try TrustedFile(path: file, bound: Self.largestFile, what: Self.what).contents()
            try self.init(parsing: bytes, of: file)
        } else {
            self.init()
        }
        if let policy, !policy.signers.isEmpty {
            places.append(policy.path)
            signers += policy.signers
        }
        if signers.isEmpty { return nil }
    }

    private init() {}

    private init(parsing bytes: [UInt8], of path: String) throws(SlotSyncError) {
        places = [path]
        let lines = String(decoding: bytes, as: UTF8.self).split(omittingEmptySubsequences: false) {
            // Windows ends a line with two characters, which are one here.
            $0.isNewline
        }
        for (index, line) in lines.enumerated() {
            let text = line.trimmed
            guard let first = text.first, first != "#" else { continue }
            switch AllowedSigner.read(text) {
            case .signer(let signer): signers.append(signer)
            case .ofNoUse: continue
            case .wrong(let why):
                throw SlotSyncError(.refused, "\(Self.what) \(quoted(path)), line \(index + 1): \(why)")
            }
        }
        guard !signers.isEmpty else {
            throw SlotSyncError(
                .refused,
                "\(Self.what) \(quoted(path)) has no Ed25519 key for the namespace \(ReleaseStatement.namespace)")
        }
    }

    static let wrongKey =
        "it takes an Ed25519 key as its .pub file has it (`ssh-ed25519 AAAA…`), or as allowed signers (`NAME "
        + "namespaces=\"slotsync\" ssh-ed25519 AAAA…`)"

    /// Refuses a release that none of these has signed.
    func check(_ signature: [UInt8], of manifest: Manifest, _ release: ReleaseName) throws(SlotSyncError) {
        let shown = release.name.isEmpty ? "\(release.id)" : "\(release.id), named \(quoted(release.name)),"
        func refusal(_ why: String) -> SlotSyncError {
            let place = places.map { quoted($0) }.joined(separator: ", ")
            return SlotSyncError(
                .refused,
                "release \(shown) \(why), and \(taker) takes those alone that a key of \(place) has signed: `slotsync sign` "
                    + "signs it, and `--signature` sends that. Nothing was changed")
        }
        guard !signature.isEmpty else { throw refusal("is not signed") }
        guard manifest.hasSHA256 else { throw refusal("has no SHA-256 (`--digest sha256`), which a signature needs") }
        let read = try SSHSignature(signature)
        let own = signers.filter { $0.key == read.key }
        guard !own.isEmpty else { throw refusal("is signed by another key") }
        let now = Timestamp.now.seconds
        guard own.contains(where: { $0.isValid(at: now) }) else {
            throw refusal("is signed by a key that does not count now (\(utcText(now)))")
        }
        guard read.isOf(manifest, name: release.name) else { throw refusal("has a signature of something else") }
    }
}

extension AgentSession {
    /// Refuses to stage what is not signed, where that is asked for. What is seeded has no signature: of that only folders
    /// come, with no more rights than folders mostly have.
    func checkSignature(_ request: StageRequest, _ target: Manifest, seeds: inout Manifest) throws(SlotSyncError) {
        guard let signers = try signers.get() else { return }
        try signers.check(request.signature, of: target, request.release)
        if let seed = seeds.entries.indices.first(where: { seeds.entries[$0].kind != .directory }) {
            throw SlotSyncError(
                .refused,
                "the signature does not cover what is seeded into `shared` (\(namedPaths([seeds.path(of: seed)]))): put it "
                    + "there by hand, and leave it out of the source. Nothing was changed")
        }
        for index in seeds.entries.indices { seeds.entries[index].mode &= 0o755 }
        seeds.extendedAttributes = ExtendedAttributeTable()
    }

    /// Refuses to make live what is not signed, where that is asked for. A way back is none of that: what was live here
    /// before may be live again.
    func checkSignature(of slot: Int, _ request: FlipRequest, _ ring: Ring) throws {
        guard let release = ring.status[slot].release, slot != ring.status.live else { return }
        if request.direction == .rollback, ring.hasBeenLive(release.id) { return }
        guard let signers = try signers.get() else { return }
        guard let record = try ring.record(of: slot) else {
            throw SlotSyncError(
                .refused,
                "the record of slot \(slot) in \(quoted(root)) is missing or damaged, so nobody can tell that its release is "
                    + "signed: stage it again")
        }
        try signers.check(ring.signature(of: slot), of: record.manifest, release)
    }
}
