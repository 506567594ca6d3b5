// Reads and writes that wait also where the descriptor does not. Whoever started this process may have left its pipes in
// such a mode (node and asyncio do): the mode is the pipe's, and not this process's to change. All that goes to standard
// output, and all that is read of standard input, goes through here.

import Glibc
package import SystemPackage

extension FileDescriptor {
    /// Writes all of `bytes` where the file offset stands.
    package func writeFully(_ bytes: UnsafeRawBufferPointer) throws(Errno) {
        var done = 0
        while done < bytes.count {
            done += try waiting(for: POLLOUT) { Glibc.write(rawValue, bytes.baseAddress! + done, bytes.count - done) }
        }
    }

    package func writeFully(_ text: String) throws(Errno) {
        try Array(text.utf8).withUnsafeBufferPointer { (bytes) throws(Errno) in
            try writeFully(UnsafeRawBufferPointer(bytes))
        }
    }

    /// Reads what there is, and waits until there is something.
    ///
    /// - Returns: how many bytes were read: 0 at the end.
    package func readPatiently(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
        try waiting(for: POLLIN) { Glibc.read(rawValue, buffer.baseAddress, buffer.count) }
    }

    private func waiting(for event: Int32, _ call: () -> Int) throws(Errno) -> Int {
        while true {
            do throws(Errno) { return try systemCall(call) } catch {
                guard error == .resourceTemporarilyUnavailable else { throw error }
                var wanted = [pollfd(fd: rawValue, events: Int16(event), revents: 0)]
                _ = try waitUntilReady(&wanted, until: nil)
            }
        }
    }
}
