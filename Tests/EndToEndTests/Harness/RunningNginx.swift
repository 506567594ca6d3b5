// Runs nginx in front of another server, with a configuration of the test's own.

import Foundation
import Testing

struct RunningNginx: Sendable {
    let url: String
    private let log: String

    static let isAvailable: Bool =
        ProcessInfo.processInfo.environment["CI"] != nil
        || ((ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":") + ["/usr/sbin"]).contains {
            access("\($0)/nginx", X_OK) == 0
        }
    static let reason: Comment = "nginx is not installed, and could not be: see scripts/dependencies"

    /// Runs `body` while nginx is up.
    ///
    /// - Parameters:
    ///   - http: directives beside the server.
    ///   - server: directives of the one server.
    static func use(
        _ bench: Workbench, http: String = "", server: String, _ body: (RunningNginx) async throws -> Void
    ) async throws {
        let port = try Loopback.freePort()
        let folder = try bench.folder("nginx-\(port)")
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \(folder)/\($0);" }
        try bench.write(
            """
            daemon off; master_process off; pid \(folder)/pid; error_log \(folder)/error.log;
            events {}
            http {
              \(temporary.joined(separator: " "))
              log_format asked '$request_method $http_x_scope_orgid "$http_authorization" $status';
              access_log \(folder)/access.log asked;
              \(http)
              server { listen 127.0.0.1:\(port); \(server) }
            }

            """, to: "nginx-\(port)/nginx.conf")
        let path = (ProcessInfo.processInfo.environment["PATH"] ?? "") + ":/usr/sbin"
        let outcome = try await Program.run(
            ["nginx", "-p", folder, "-e", "\(folder)/error.log", "-c", "\(folder)/nginx.conf"],
            environment: ["PATH": path], timeout: .seconds(300)
        ) { process in
            try await eventually("nginx does not listen") { try Loopback.accepts(port) }
            try await body(RunningNginx(url: "http://127.0.0.1:\(port)", log: "\(folder)/access.log"))
            process.killGroup()
        }
        try #require(outcome.exitCode == nil, "\(outcome)")
    }

    /// What was asked: method, tenant, authorization and status, a line each; a line is written after its answer.
    ///
    /// - Parameter count: how many are waited for.
    func asked(_ count: Int) async throws -> [String] {
        func lines() throws -> [String] {
            try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").map(String.init)
        }
        try await eventually("nginx was not asked \(count) times") { try lines().count >= count }
        return try lines()
    }
}
