// Which readings a host owes. A value, which HostConnection asks before it asks the host, and when readings come.

import DequeModule

/// The samples that a host was asked for and has not answered.
struct OwedReadings {
    /// How many readings a host may owe: the one that was asked for last, and one that is late.
    private static let most = 2

    /// How many sources the host was told to read; nil: none yet.
    var sourceCount: Int?
    private var owed: Deque<(sample: UInt32, sourceCount: Int)> = []

    /// Notes that the host is asked for a sample.
    ///
    /// - Returns: false: it is not to be asked.
    mutating func ask(_ sample: UInt32) -> Bool {
        guard let sourceCount, owed.count < Self.most else { return false }
        owed.append((sample, sourceCount))
        return true
    }

    /// Takes readings. Agents answer in the order in which they are asked; what nobody asked for would fill the queue
    /// of whoever listens.
    ///
    /// - Throws: `protocolViolation` for readings that are not what was asked for.
    mutating func settle(_ sample: UInt32, by readings: HostReadings) throws {
        guard let owed = owed.popFirst(), owed.sample == sample else {
            throw SlotSyncError(.protocolViolation, "the agent sent readings that nobody asked for (sample \(sample))")
        }
        guard readings.outcomes.count == owed.sourceCount else {
            throw SlotSyncError(
                .protocolViolation,
                "the agent sent readings of \(readings.outcomes.count) sources, where it was to read \(owed.sourceCount)"
            )
        }
    }
}
