// The library's conversation with hosts about signatures. It carries out what the ledger says, and hands on what hosts
// deliver.

extension PatchLibrary {
    func askForSignatures() {
        let (questions, unavailable) = ledger.ask(at: .now, host: host)
        for (host, bases) in questions {
            var rest = bases[...]
            while !rest.isEmpty {
                ask(host, Array(rest.prefix(WireLimits.mostBasesPerRequest)))
                rest = rest.dropFirst(WireLimits.mostBasesPerRequest)
            }
        }
        for (basis, group) in unavailable { settle(basis, in: [group], with: nil) }
        if !questions.isEmpty { watchSignatures() }
    }

    /// A host that has the bases of a group, the first that answered: it is the nearest, or the least busy.
    private func host(of group: Int, besides tried: Set<Int>) -> Int? {
        subscribers[group].first { !tried.contains($0.host) }?.host
    }

    private func ask(_ host: Int, _ bases: [ContentDigest]) {
        let requests = bases.map {
            BasisRequest(basis: $0, blockLength: 0, seed: UInt64.random(in: .min ... .max))
        }
        members[host]?.work.yield(.signatures(requests))
    }

    /// A host delivers a signature, or says that it has the basis no longer.
    func deliver(_ signature: Signature?, of basis: ContentDigest, from host: Int) {
        guard let signature else {
            if ledger.isOwed(basis, by: host) { reassign(basis, ownerIsLost: true) }
            return
        }
        let isKept = ledger.hasRoom(for: signature.memoryLength)
        settle(basis, in: ledger.settle(basis), with: isKept ? signature : nil)
        noteProgress(of: host)
        pump()
    }

    /// A host is getting on: what it owes has time again.
    func noteProgress(of host: Int) { ledger.noteProgress(of: host, at: .now) }

    private func settle(_ basis: ContentDigest, in groups: [Int], with signature: Signature?) {
        for group in groups {
            for entry in encodings[group].settle(basis) {
                // Nobody would encode it, and give its part of the window back.
                guard !subscribers[group].isEmpty else {
                    encodings[group].shelve(entry, basis: basis)
                    continue
                }
                ledger.hold(signature?.memoryLength ?? 0)
                encodings[group].append(
                    EncodingJob(entry: entry, signature: signature), size: manifest.entries[entry].size,
                    basis: signature.map { _ in basis })
            }
        }
    }

    /// Asks another host that has the basis; where there is none, the content goes without one.
    func reassign(_ basis: ContentDigest, ownerIsLost: Bool) {
        let next = ledger.reassign(basis, ownerIsLost: ownerIsLost, at: .now, host: host)
        fleetLog.debug("no signature came", metadata: ["basis": "\(basis)", "next": "\(next)"])
        switch next {
        case .ask(let host): ask(host, [basis])
        case .giveUp(let groups):
            settle(basis, in: groups, with: nil)
            pump()
        case .wait: break
        }
    }

    private func watchSignatures() {
        guard !isWatching else { return }
        isWatching = true
        Task { @FleetActor in
            while self.ledger.isOwed && self.sourceFailure == nil && !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(500))
                for (basis, isOverdue) in self.ledger.late(at: .now) {
                    // A host that nobody else waits with has all the time that it takes.
                    let isShared = self.ledger.groups(waitingFor: basis).contains { self.subscribers[$0].count > 1 }
                    self.reassign(basis, ownerIsLost: isOverdue && isShared)
                }
            }
            self.isWatching = false
        }
    }

    /// Bases that the cache has lost since the jobs were begun.
    func want(signaturesFor jobs: [EncodingJob], of group: Int) {
        for job in jobs {
            guard case .kept(let basis) = job.basis, encodings[group].wait(job.entry, for: basis) else { continue }
            ledger.want(basis, for: group, size: manifest.entries[job.entry].size)
        }
    }
}
