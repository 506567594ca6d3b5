// Signatures of the bases that a host proposed, computed as the controller asks for them. It may ask at any time up
// to the end of the frames, so a stage looks for such requests between the steps of its own work.

import SystemPackage

extension AgentSession {
    /// Answers requests for signatures that have come meanwhile; anything else is kept for later.
    func answer(from sources: SlotSources) throws {
        while readAhead == nil, connection.hasInput {
            guard let request = try connection.receive() else { return }
            if case .signatures(let bases) = request { try sendSignatures(bases, sources) } else { readAhead = request }
        }
    }

    func sendSignatures(_ bases: [BasisRequest], _ sources: SlotSources) throws {
        for request in bases {
            if let basis = sources.basis(request.basis), let signature = signature(of: basis, request) {
                try connection.send(.signature(basis: request.basis, signature))
            } else {
                try connection.send(.signatureMissing(basis: request.basis))
            }
        }
    }

    /// - Returns: nil if the basis cannot be read, or is too long for a signature.
    private func signature(of basis: BasisFile, _ request: BasisRequest) -> Signature? {
        // Blocks as long as it takes for the signature to fit a message.
        let shortest = basis.length / UInt64(WireLimits.mostSignatureBlocks) + 1
        guard shortest <= UInt64(Signature.blockLengths.upperBound) else { return nil }
        let wanted =
            request.blockLength == 0 ? Signature.blockLength(forBasisLength: basis.length) : request.blockLength
        var position: UInt64 = 0
        return try? Signature(
            basisLength: basis.length, blockLength: max(wanted, Int(shortest)), seed: request.seed
        ) { piece in
            // What cannot be read makes it shorter than it is, and no signature.
            guard position < basis.length, let count = try? basis.read(at: position, into: piece) else { return 0 }
            position += UInt64(count)
            progress.add(files: 0, bytes: UInt64(count))
            return count
        }
    }
}
