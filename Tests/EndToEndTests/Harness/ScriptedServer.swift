// A TCP server that sends what a test tells it to, HTTP or not: pages for Prometheus to scrape, and answers that no
// Prometheus would give. Each connection has one thread and one request.

import Foundation
import Synchronization

final class ScriptedServer: Sendable {
    enum Reply: Sendable {
        /// These bytes, then the end of the connection.
        case bytes([UInt8])
        /// The first bytes, then the others again and again, for as long as somebody reads.
        case endless([UInt8], [UInt8])
        /// Nothing, for as long as the other end waits.
        case silence

        static func page(_ text: String, status: String = "200 OK", headers: [String] = []) -> Reply {
            let head = ["HTTP/1.1 \(status)", "Content-Length: \(text.utf8.count)", "Connection: close"] + headers
            return .bytes(Array((head.joined(separator: "\r\n") + "\r\n\r\n" + text).utf8))
        }
    }

    let port: UInt16
    private let descriptor: CInt
    private let received = Mutex<[String]>([])
    private let isStopped = Mutex(false)

    var url: String { "http://127.0.0.1:\(port)" }

    /// What was asked so far, each request with its headers.
    var requests: [String] { received.withLock { $0 } }

    /// Runs `body` while a server answers each request by what `reply` says to its text.
    static func use(
        _ reply: @escaping @Sendable (String) -> Reply, _ body: (ScriptedServer) async throws -> Void
    ) async throws {
        let server = try ScriptedServer()
        server.start(reply)
        defer { server.stop() }
        try await body(server)
    }

    private init() throws { (descriptor, port) = try Loopback.listening() }

    private func start(_ reply: @escaping @Sendable (String) -> Reply) {
        Thread.detachNewThread { [self] in
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0, !isStopped.withLock({ $0 }) else {
                    if connection >= 0 { close(connection) }
                    break
                }
                Thread.detachNewThread { [self] in
                    serve(connection, reply)
                    close(connection)
                }
            }
            close(descriptor)
        }
    }

    private func stop() {
        isStopped.withLock { $0 = true }
        shutdown(descriptor, CInt(SHUT_RDWR))
    }

    private func serve(_ connection: CInt, _ reply: (String) -> Reply) {
        guard let request = readRequest(connection) else { return }
        received.withLock { $0.append(request) }
        switch reply(request) {
        case .bytes(let bytes): _ = sendAll(bytes, connection)
        case .silence:
            var byte: UInt8 = 0
            while recv(connection, &byte, 1, 0) > 0 {}
        case .endless(let first, let next):
            guard sendAll(first, connection) else { return }
            while !isStopped.withLock({ $0 }), sendAll(next, connection) {}
        }
    }

    /// The request's head, and as much of a body as it says there is.
    private func readRequest(_ connection: CInt) -> String? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let text = String(decoding: bytes, as: UTF8.self)
            if let end = text.range(of: "\r\n\r\n") {
                let length = text[..<end.lowerBound].split(separator: "\r\n")
                    .first { $0.lowercased().hasPrefix("content-length:") }
                    .flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) }
                if text[end.upperBound...].utf8.count >= length ?? 0 { return text }
            }
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            bytes += buffer[..<count]
        }
    }

    private func sendAll(_ bytes: [UInt8], _ connection: CInt) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(connection, $0.baseAddress!, $0.count, CInt(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
