// An agent that is held in the middle of a transfer. It receives a given number of bytes, then nothing until the test
// lets it go on. So a kill, a full disk or a second command comes at the same point in every run.

import Foundation
import Testing

struct SteeredAgent: Sendable {
    /// The program to name with `--remote-command`.
    let program: String
    private let folder: String

    /// Holds `host` after so many bytes from the controller; agents of other hosts run freely.
    init(_ bench: Workbench, holding host: String, after bytes: Int) throws {
        folder = try bench.folder("steered-\(host)")
        program = try bench.script(
            """
            #!/bin/bash
            case "$*" in */\(host)/*) ;; *) exec '\(Program.agent)' "$@" ;; esac
            feed() {
                stdbuf -o0 head -c \(bytes)
                : > '\(folder)/held'
                while [ -d '\(folder)' ] && [ ! -e '\(folder)/go-on' ]; do sleep 0.02; done
                exec cat
            }
            echo $$ > '\(folder)/pid'
            exec 3<&0
            exec '\(Program.agent)' "$@" < <(feed <&3 2>/dev/null) 3<&-
            """,
            to: "steered-\(host)/agent"
        )
    }

    /// Waits until the host has had its bytes.
    func held() async throws {
        try await eventually("the transfer never got as far as the test holds it") { exists("\(folder)/held") }
    }

    func goOn() throws {
        try "".write(toFile: "\(folder)/go-on", atomically: false, encoding: .utf8)
    }

    func kill() throws { try signal(SIGKILL) }

    func signal(_ number: Int32) throws {
        let text = try String(contentsOfFile: "\(folder)/pid", encoding: .utf8)
        let pid = try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        _ = Glibc.kill(pid, number)
    }
}
