// Signatures of the bases that a host proposed, computed as the controller asks for them. It may ask at any time up to the
// end of the frames, so a stage looks for such requests between the steps of its own work.

import SystemPackage

extension AgentSession {
    /// Answers requests for signatures that have come meanwhile; anything else is kept for later.
    func answerSignatures(_ filler: SlotFiller) throws {
        while readAhead == nil, connection.hasInput {
            guard let request = try connection.receive() else { return }
            if case .signatures(let bases) = request { try sendSignatures(bases, filler) } else { readAhead = request }
        }
    }

    func sendSignatures(_ bases: [BasisRequest], _ filler: SlotFiller) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 64)
        defer { buffer.deallocate() }
        for request in bases {
            guard let location = filler.plan.bases[request.basis], let source = try filler.sources.open(location) else {
                try connection.send(.signatureMissing(basis: request.basis))
                continue
            }
            let file = source.descriptor
            defer { try? file.close() }
            let length = source.status.size
            // Blocks as long as it takes for the signature to fit a message.
            let shortest = length / UInt64(WireLimits.mostSignatureBlocks) + 1
            guard shortest <= UInt64(Signature.blockLengths.upperBound) else {
                try connection.send(.signatureMissing(basis: request.basis))
                continue
            }
            let wanted = request.blockLength == 0 ? Signature.blockLength(forBasisLength: length) : request.blockLength
            var builder = Signature.Builder(
                basisLength: length, blockLength: max(wanted, Int(shortest)), seed: request.seed)
            var position: UInt64 = 0
            while position < length {
                let count = try file.readFully(at: Int64(position), into: buffer)
                if count == 0 { break }
                builder.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                position += UInt64(count)
                progress.add(files: 0, bytes: UInt64(count))
            }
            if position == length {
                try connection.send(.signature(basis: request.basis, builder.finish()))
            } else {
                try connection.send(.signatureMissing(basis: request.basis))
            }
        }
    }
}
