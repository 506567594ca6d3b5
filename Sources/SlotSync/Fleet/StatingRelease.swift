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
        options.signers = nil
        let emit: @Sendable (FleetEvent) -> Void = { event in
            if case .sourceWarning(let text) = event { warn(text) }
        }
        let caches = try PreparedRelease.caches(for: source, options: options, emit: emit)
        let prepared = try PreparedRelease.prepare(source, options: options, caches: caches, emit: emit)
        guard let statement = ReleaseStatement(prepared.manifest, name: options.name) else {
            throw SlotSyncError(.badInput, "the release has no SHA-256")
        }
        return statement
    }

    /// Has a program sign the statement.
    ///
    /// - Parameter key: as ssh-keygen's `-f` takes it.
    /// - Returns: the bytes of a signature's file.
    /// - Throws: ``SlotSyncError``: `badInput` where ssh-keygen does not sign, or by another kind of key than Ed25519;
    ///   `system` where there is no ssh-keygen.
    public func signed(by key: String) throws -> [UInt8] {
        let (code, bytes) = try ForegroundProgram.run(
            ["ssh-keygen", "-q", "-Y", "sign", "-n", Self.namespace, "-f", key], input: Array(text.utf8),
            longestOutput: SSHSignature.longestFile)
        guard code == 0 else {
            throw SlotSyncError(.badInput, "ssh-keygen did not sign with the key \(quoted(key)) (exit code \(code))")
        }
        let isRight: Bool
        do { isRight = try SSHSignature(bytes).isOf(text, namespace: Self.namespace) } catch {
            throw SlotSyncError(.badInput, "the key \(quoted(key)): \(error.message)")
        }
        guard isRight else {
            throw SlotSyncError(
                .badInput, "what ssh-keygen made with the key \(quoted(key)) is no signature that hosts would take")
        }
        return bytes
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
