// Which hosts of a push are sampled: who is getting ready, who is ready, and who has not given a reading yet. A value
// that knows hosts by their indices; PushSampling keeps it.

struct SampledHosts: Sendable {
    /// Whether the push samples now.
    private(set) var isOn = false
    /// Hosts that are asked for readings.
    private(set) var ready: Set<Int> = []
    /// Hosts that are being told what they will be asked for.
    private var gettingReady: Set<Int> = []
    /// Whether the first sample waits for all of them.
    private var waitsForAll = true
    /// Hosts of which no reading came since they were told.
    private var unread: Set<Int> = []

    /// Whether there is a host to sample, and nobody who is waited for.
    var canBegin: Bool { isOn && !ready.isEmpty && (gettingReady.isEmpty || !waitsForAll) }

    /// These hosts are to be sampled, once they are ready.
    mutating func begin(_ indices: [Int]) {
        isOn = true
        gettingReady.formUnion(indices)
    }

    /// A host that was told is ready, or will not be.
    mutating func note(_ index: Int, isReady: Bool) {
        gettingReady.remove(index)
        guard isOn, isReady else { return }
        ready.insert(index)
        unread.insert(index)
    }

    /// The first sample waits for no more hosts; they join later.
    mutating func stopWaiting() { waitsForAll = false }

    /// A reading of a host came.
    ///
    /// - Returns: whether it is the first since the host was told.
    mutating func noteReading(of index: Int) -> Bool { unread.remove(index) != nil }

    /// The host's session has ended.
    mutating func lose(_ index: Int) { ready.remove(index) }

    /// Nobody is sampled any more.
    mutating func stop() {
        isOn = false
        ready = []
    }
}
