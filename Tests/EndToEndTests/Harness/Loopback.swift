// Sockets on 127.0.0.1, for servers that tests start and for those that they imitate.

import Foundation

enum Loopback {
    static func freePort() throws -> UInt16 {
        let (descriptor, port) = try bound()
        close(descriptor)
        return port
    }

    static func accepts(_ port: UInt16, at address: String = "127.0.0.1") throws -> Bool {
        let descriptor = try newSocket()
        defer { close(descriptor) }
        return withAddress(port, at: address) { connect(descriptor, $0, $1) } == 0
    }

    /// Makes 127.0.0.1 dead at a port: whoever connects hears nothing. Closed by closing the descriptors.
    static func silent(_ port: UInt16) throws -> [CInt] {
        let listener = try newSocket()
        guard withAddress(port, { bind(listener, $0, $1) }) == 0, listen(listener, 0) == 0 else {
            throw SystemFailure("listen on port \(port)")
        }
        // Nobody accepts, and those that wait already are all that may.
        let waiting = try (0..<4).map { _ in
            let descriptor = try newSocket()
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
            _ = withAddress(port) { connect(descriptor, $0, $1) }
            return descriptor
        }
        return [listener] + waiting
    }

    /// A socket that listens on a port of the system's choice.
    static func listening() throws -> (descriptor: CInt, port: UInt16) {
        let (descriptor, port) = try bound()
        guard listen(descriptor, 64) == 0 else { throw SystemFailure("listen") }
        return (descriptor, port)
    }

    private static func bound() throws -> (descriptor: CInt, port: UInt16) {
        let descriptor = try newSocket()
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        guard withAddress(0, { bind(descriptor, $0, $1) }) == 0,
            withUnsafeMutablePointer(
                to: &address,
                { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
                }) == 0
        else { throw SystemFailure("bind to a free port") }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    private static func newSocket() throws -> CInt {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemFailure("socket") }
        return descriptor
    }

    private static func withAddress<Result>(
        _ port: UInt16, at text: String = "127.0.0.1", _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr(text)
        address.sin_port = port.bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
