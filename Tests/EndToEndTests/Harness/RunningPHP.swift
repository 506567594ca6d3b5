// Runs PHP's process manager as production does: with opcache, and without a look at files that it has compiled.

import Foundation
import Testing

struct RunningPHP: Sendable {
    let socket: String
    let pidFile: String

    /// The program, whose name has PHP's version in it.
    private static let program: String? = {
        let folder = "/usr/sbin"
        return try? FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("php-fpm") }.sorted()
            .last
            .map { "\(folder)/\($0)" }
    }()

    static let isAvailable = program != nil || ProcessInfo.processInfo.environment["CI"] != nil
    static let reason: Comment = "php-fpm is not installed, and could not be: see scripts/dependencies"

    /// Runs `body` while PHP is up.
    static func use(_ bench: Workbench, _ body: (RunningPHP) async throws -> Void) async throws {
        let program = try #require(program)
        let php = RunningPHP(socket: bench["php.sock"], pidFile: bench["php.pid"])
        let owner = getuid() == 0 ? "user = root\ngroup = root\n" : ""
        try bench.write(
            """
            [global]
            pid = \(php.pidFile)
            error_log = \(bench["php.log"])
            daemonize = no
            [www]
            \(owner)listen = \(php.socket)
            pm = static
            pm.max_children = 1
            php_admin_value[opcache.enable] = 1
            php_admin_value[opcache.validate_timestamps] = 0

            """, to: "php-fpm.conf")
        let outcome = try await Program.run(
            [program, "-R", "-F", "-y", bench["php-fpm.conf"]], timeout: .seconds(300)
        ) { process in
            try await eventually("php-fpm does not listen") { exists(php.socket) }
            try await body(php)
            process.killGroup()
        }
        try #require(outcome.exitCode == nil, "\(outcome)")
    }
}
