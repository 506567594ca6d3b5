// Gives up hosts that are silent. One timer serves all channels, and runs only while some channel waits for its host.

import Dispatch

/// Looks at waiting channels a few times a second.
@FleetActor
final class Watchdog {
    static let shared = Watchdog()

    private static let interval = DispatchTimeInterval.milliseconds(200)

    private var checks: [ObjectIdentifier: @FleetActor () -> Void] = [:]
    private var timer: (any DispatchSourceTimer)?

    /// Calls `check` from time to time, until `stopWatching` is called for the same owner.
    func watch(_ owner: AnyObject, check: @escaping @FleetActor () -> Void) {
        checks[ObjectIdentifier(owner)] = check
        guard timer == nil else { return }
        let timer = DispatchSource.makeTimerSource(queue: FleetActor.queue)
        timer.schedule(deadline: .now() + Self.interval, repeating: Self.interval)
        timer.setEventHandler {
            FleetActor.assumeIsolated {
                for check in Watchdog.shared.checks.values { check() }
            }
        }
        timer.activate()
        self.timer = timer
    }

    func stopWatching(_ owner: AnyObject) {
        checks[ObjectIdentifier(owner)] = nil
        guard checks.isEmpty else { return }
        timer?.cancel()
        timer = nil
    }
}
