// Tells when a pipe can be read or written, without a thread and without a Dispatch source for each. On Linux
// libdispatch's bookkeeping of descriptor sources does not survive many that come and go (swift-corelibs-libdispatch
// issue 949), and tells of a hang-up once only. So all pipes are in one epoll set, which is itself readable when one of
// them is ready. It is the only descriptor that Dispatch watches, from the first session to the end of the process.

import CSystemCalls
import Dispatch
import SystemPackage

/// Tells once, each time it is asked to, that a non-blocking descriptor can be read or written.
///
/// It can also be asked when the other end has hung up: that is an event as well, each time.
@FleetActor
final class Readiness {
    enum Direction { case reading, writing }

    let descriptor: FileDescriptor
    private let direction: Direction
    private let onReady: @FleetActor () -> Void
    /// Its number in the epoll set; nil until it is armed for the first time, and after `close`.
    private var entry: UInt64?
    private var isArmed = false
    private var isClosed = false

    /// Takes over the descriptor, which `close` closes.
    init(owning descriptor: FileDescriptor, for direction: Direction, onReady: @escaping @FleetActor () -> Void) {
        self.descriptor = descriptor
        self.direction = direction
        self.onReady = onReady
    }

    /// Asks for one event.
    func arm() {
        guard !isArmed, !isClosed else { return }
        isArmed = true
        let isKnown = entry != nil
        let entry = entry ?? EpollSet.shared.newEntry(for: self)
        self.entry = entry
        EpollSet.shared.arm(entry, descriptor, direction, isKnown: isKnown)
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        if let entry { EpollSet.shared.remove(entry, descriptor) }
        entry = nil
        try? descriptor.close()
    }

    fileprivate func happened() {
        guard isArmed, !isClosed else { return }
        isArmed = false
        onReady()
    }
}

/// The pipes of all sessions.
@FleetActor
private final class EpollSet {
    static let shared = EpollSet()

    /// Looked at in one go.
    private static let batch = 256

    private let set: CInt
    private var source: (any DispatchSourceRead)?
    /// By numbers that are never used again: an event for an entry that is gone finds nobody.
    private var entries: [UInt64: Readiness] = [:]
    private var nextEntry: UInt64 = 0
    private var ready = [UInt64](repeating: 0, count: EpollSet.batch)

    private init() {
        set = ss_epoll_create()
        guard set >= 0 else { fatalError("no descriptor is left to watch others with") }
        let source = DispatchSource.makeReadSource(fileDescriptor: set, queue: FleetActor.queue)
        source.setEventHandler { FleetActor.assumeIsolated { EpollSet.shared.deliver() } }
        source.activate()
        self.source = source
    }

    func newEntry(for readiness: Readiness) -> UInt64 {
        nextEntry += 1
        entries[nextEntry] = readiness
        return nextEntry
    }

    func arm(_ entry: UInt64, _ descriptor: FileDescriptor, _ direction: Readiness.Direction, isKnown: Bool) {
        let result = ss_epoll_arm(set, descriptor.rawValue, entry, direction == .writing ? 1 : 0, isKnown ? 1 : 0)
        // Pipes can always be watched. What cannot, such as a file, is always ready.
        if result != 0 { FleetActor.queue.async { FleetActor.assumeIsolated { self.entries[entry]?.happened() } } }
    }

    func remove(_ entry: UInt64, _ descriptor: FileDescriptor) {
        entries[entry] = nil
        // Closing would not do: a child that is just being started still has the descriptor.
        ss_epoll_remove(set, descriptor.rawValue)
    }

    /// What is left after a batch keeps the set readable.
    private func deliver() {
        let count = ss_epoll_ready(set, &ready, CInt(Self.batch))
        guard count > 0 else { return }
        for entry in ready[..<Int(count)] { entries[entry]?.happened() }
    }
}
