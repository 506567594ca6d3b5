// `slotsync sign` states what it has signed: a source is read as a stage reads it.

public import SystemPackage

extension ReleaseStatement {
    /// Reads a source as a stage with these options does, and states what it is.
    ///
    /// - Parameter warn: called with what a stage would warn of.
    /// - Throws: ``SlotSyncError``, as a stage does where the source cannot be used.
    public static func reading(
        _ source: FilePath, options: StageOptions, warn: @escaping @Sendable (String) -> Void
    ) throws -> ReleaseStatement {
        var options = options
        options.contentDigest = .sha256
        let prepared = try PreparedRelease.prepare(source, options: options) { event in
            if case .sourceWarning(let text) = event { warn(text) }
        }
        guard let statement = ReleaseStatement(prepared.manifest, name: options.name) else {
            throw SlotSyncError(.badInput, "the release has no SHA-256")
        }
        return statement
    }

    /// The bytes of a signature's file, for ``StageOptions/signature``.
    ///
    /// - Throws: ``SlotSyncError`` with the code `badInput` for what is no signature.
    public static func readSignature(_ file: FilePath) throws(SlotSyncError) -> [UInt8] {
        let bytes = try contents(of: file, atMost: SSHSignature.longestFile, what: "signature")
        do { _ = try SSHSignature(bytes) } catch {
            throw SlotSyncError(.badInput, "\(quoted(file.string)): \(error.message)")
        }
        return bytes
    }
}
