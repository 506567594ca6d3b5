// Waits for descriptors, by poll(2), with a deadline. An agent waits this way for a controller that may be gone.

import CSystemCalls
import Glibc
import SystemPackage

/// Waits until one of `wanted` is ready, or until `deadline`, if there is one. What is ready is reported even after it.
///
/// - Returns: false if the deadline has passed.
func waitUntilReady(_ wanted: inout [pollfd], until deadline: ContinuousClock.Instant?) throws(Errno) -> Bool {
    while true {
        let left = deadline.map { min(max(($0 - .now).wholeMilliseconds, -1) + 1, 60_000) } ?? 60_000
        let ready = poll(&wanted, nfds_t(wanted.count), Int32(left))
        if ready > 0 { return true }
        if ready < 0 {
            let error = Errno(rawValue: Glibc.errno)
            guard error == .interrupted else { throw error }
        } else if let deadline, deadline <= .now {
            return false
        }
    }
}

extension FileDescriptor {
    /// Whether a read would return at once: there is something, or the end.
    var isReadable: Bool { isReady(POLLIN) }

    /// Whether a pipe or a socket takes `PIPE_BUF` bytes without waiting, or fails at once.
    var isWritable: Bool { isReady(POLLOUT) }

    /// How many bytes a pipe or a socket holds that nobody has read.
    var bytesToRead: Int { Int(ss_bytes_to_read(rawValue)) }

    private func isReady(_ event: Int32) -> Bool {
        var wanted = pollfd(fd: rawValue, events: Int16(event), revents: 0)
        return poll(&wanted, 1, 0) > 0
    }
}
