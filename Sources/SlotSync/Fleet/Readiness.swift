// A Dispatch source on a pipe, made safe. It is suspended unless somebody wants to know, so nothing spins; it is
// never released while suspended, which Dispatch punishes with a crash; and the descriptor is closed only when
// Dispatch has let go of it. After an event the owner reads or writes until the kernel says EAGAIN, or sees the end:
// a source tells of a hang-up once, and never again.

import Dispatch
import SystemPackage

/// Tells once, each time it is asked to, that a non-blocking descriptor can be read or written.
@FleetActor
final class Readiness {
    enum Direction { case reading, writing }

    let descriptor: FileDescriptor
    private let source: any DispatchSourceProtocol
    private var isArmed = false
    private var isClosed = false

    /// Takes over the descriptor. The owner has to call `close`: until then this object keeps itself alive.
    init(
        owning descriptor: FileDescriptor, for direction: Direction, onReady: @escaping @FleetActor () -> Void
    ) {
        self.descriptor = descriptor
        switch direction {
        case .reading:
            source = DispatchSource.makeReadSource(fileDescriptor: descriptor.rawValue, queue: FleetActor.queue)
        case .writing:
            source = DispatchSource.makeWriteSource(fileDescriptor: descriptor.rawValue, queue: FleetActor.queue)
        }
        source.setEventHandler {
            FleetActor.assumeIsolated {
                // An event may have been on its way when the source was suspended.
                guard self.isArmed, !self.isClosed else { return }
                self.isArmed = false
                self.source.suspend()
                onReady()
            }
        }
        source.setCancelHandler { try? descriptor.close() }
        // A source starts inactive, which is a state of its own; from here on it is either suspended or not.
        source.activate()
        source.suspend()
    }

    /// Asks for one event.
    func arm() {
        guard !isArmed, !isClosed else { return }
        isArmed = true
        source.resume()
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        source.cancel()
        if !isArmed { source.resume() }
        // The handlers hold this object; without them it can go.
        source.setEventHandler(handler: nil)
    }
}
