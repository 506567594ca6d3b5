// An agent that says what a test has written, whatever it is asked: one list of replies for each request, in their order.
// Then it is silent until its input ends. So a test can have a host lie. The file `HOST-heard-N` tells that request N came.

import Foundation

@testable import SlotSync

struct ScriptedAgent {
    /// The program, for `--remote-command`.
    let path: String

    /// - Parameters:
    ///   - host: on all other hosts the real agent runs.
    ///   - answers: for each request but the first, which is answered by a greeting with `ring`.
    init(_ bench: Workbench, on host: String, ring: RingStatus?, answers: [[Reply]]) throws {
        let greeting = Reply.hello(Greeting(version: SlotSyncVersion.current, peer: host), ring)
        var steps = ""
        for (number, replies) in ([[greeting]] + answers).enumerated() {
            var bytes: [UInt8] = []
            for reply in replies { reply.encode(into: &bytes) }
            let file = bench["\(host)-says-\(number)"]
            try Data(bytes).write(to: URL(fileURLWithPath: file))
            steps += "request; : > '\(bench["\(host)-heard-\(number)"])'; cat '\(file)'\n"
        }
        path = try bench.script(
            """
            #!/bin/sh
            case "$*" in */\(host)/*) ;; *) exec '\(Program.agent)' "$@" ;; esac
            request() { head -c $(head -c 4 | od -An -tu4) > /dev/null; }
            \(steps)
            exec cat > /dev/null
            """, to: "scripted-\(host)")
    }
}
