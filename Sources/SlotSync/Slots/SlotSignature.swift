// The signature of the release in a slot, in a file beside the slot's record. It is believed by nobody: whoever reads it holds it
// against the record's manifest, so that one which was left behind counts for nothing.

extension Ring {
    func signatureName(_ slot: Int) -> String { "\(slot).signature" }

    /// What was kept with a slot; empty where there is none that can be read.
    func signature(of slot: Int) -> [UInt8] {
        (try? records.contents(of: signatureName(slot), atMost: SSHSignature.longestFile)) ?? []
    }

    /// Keeps the signature of a slot's release, durably; an empty one takes what is there away.
    func keepSignature(_ bytes: [UInt8], of slot: Int) throws {
        if bytes.isEmpty {
            try? records.remove(signatureName(slot))
        } else if bytes != signature(of: slot) {
            try records.replaceContents(of: signatureName(slot), by: bytes, adopting: owner.adopt)
        }
    }

    /// Whether a release has been live here, as far as the history reaches.
    func hasBeenLive(_ release: ContentDigest) -> Bool {
        status.liveRelease?.id == release || state.history.contains { $0.release == release }
            || status.numbers.contains { status[$0].state == .retired && status[$0].holds(release) }
    }
}
