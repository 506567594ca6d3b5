// The library's encoding: starts batches as signatures come and cores are free, and hands the frames that are made to the
// hosts that need them.

extension PatchLibrary {
    /// Asks for what the window allows, and starts as many encoders as there are cores and work.
    func pump() {
        guard sourceFailure == nil else { return }
        askForSignatures()
        for group in encodings.indices where !subscribers[group].isEmpty {
            while pool.isFree,
                let batch = encodings[group].begin(isStalled: !ledger.isOwed, allowsLong: pool.isIdle)
            {
                encode(batch, of: group)
            }
        }
        tellIfEncoded()
    }

    private func encode(_ batch: GroupEncoding.Batch, of group: Int) {
        pool.encode(batch) {
            self.publish($0, of: group)
        } end: { result in
            for case .signature(let signature) in batch.jobs.lazy.map(\.basis) {
                self.ledger.release(signature.memoryLength)
            }
            self.encodings[group].end()
            switch result {
            case .success(let withoutBasis): self.want(signaturesFor: withoutBasis, of: group)
            case .failure(let error): self.fail(error)
            }
            self.publish([], of: group)
            self.pump()
        }
    }

    private func publish(_ ranges: [SpoolRange], of group: Int) {
        encodings[group].append(ranges)
        for member in subscribers[group] {
            hand(ranges, to: member)
            endIfServed(member)
        }
    }

    func hand(_ ranges: [SpoolRange], to member: Member) {
        guard !ranges.isEmpty else { return }
        plannedBytes += ranges.reduce(0) { $0 + UInt64($1.length) }
        member.work.yield(.frames(ranges))
    }

    func endIfServed(_ member: Member) {
        if member.openGroups.allSatisfy({ encodings[$0].isDone }) {
            member.work.yield(.end)
            member.work.finish()
        }
    }
}
