// Readings of a host, inside a session that is open anyway. A sample starts nothing but the commands that its sources
// name. It needs no ring and takes no lock.

extension AgentSession {
    /// Sets the sources up; what counts from one reading to the next begins here. What the host's policy does not allow
    /// is as missing as what cannot be read.
    func watch(_ request: WatchRequest) throws {
        var (sources, refused) = (request.sources, [Int: String]())
        if let policy {
            for (index, source) in sources.enumerated() {
                do throws(SlotSyncError) { sources[index] = try policy.allowed(source) } catch {
                    refused[index] = "\(error)"
                }
            }
        }
        let sampler = HostSampler(sources, refused: refused, interval: request.interval)
        self.sampler = sampler
        try connection.send(.watching(sampler.problems))
    }

    /// Reads all sources, in no more than the sampling time: the controller may want this host flipped back next. Where it has
    /// said already what shall become of the flip, or is gone, no reading is waited for.
    func sample(_ number: UInt32) throws {
        guard let sampler else { throw unexpected("a request for a sample before it said what to watch") }
        let connection = connection
        let readings = sampler.sample { connection.isPressed }
        if let reason = connection.reasonToStop() { throw reason }
        for text in sampler.takeNews() { try connection.send(.warning(text)) }
        try connection.send(.sample(number, readings))
    }
}
