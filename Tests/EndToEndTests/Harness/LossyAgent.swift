// An agent whose session is lost at a request that the test names: before the agent has received it, or after it was
// done and before the answer. This happens once. Later sessions with the host have a sound agent, unless the test says
// otherwise.

import Foundation
import Testing

@testable import SlotSync

struct LossyAgent: Sendable {
    /// When the session is lost.
    enum Moment: String, CaseIterable, Sendable { case before, after }

    /// What becomes of the session.
    enum Loss: String, CaseIterable, Sendable {
        /// The agent is killed, and the session ends.
        case killed
        /// The session stays, and nothing more is heard of it.
        case silent
        /// The session ends, but the agent lives on and gets the request seconds later. Only `before`.
        case late
        /// The session stays, the agent lives and says so, but the request does not reach it. Only `before`.
        case deaf
    }

    /// The program to name with `--remote-command`.
    let program: String

    /// - Parameters:
    ///   - host: the host that is lost; the agents of the others are sound.
    ///   - request: a request of the type at whose first one that happens.
    ///   - isGone: whether no session can be opened afterwards.
    ///   - gate: a file that has to be there before a later session begins.
    init(
        _ bench: Workbench, losing host: String, _ moment: Moment, _ request: Request, _ loss: Loss,
        isGone: Bool = false, gate: String? = nil
    ) throws {
        var frame: [UInt8] = []
        request.encode(into: &frame)
        let folder = try bench.folder("lossy-\(host)")
        let wait = gate.map { "while [ ! -e '\($0)' ]; do sleep 0.02; done; " } ?? ""
        let again = isGone ? "exit 255" : "{ \(wait)exec '\(Program.agent)' \"$@\"; }"
        program = try bench.script(
            """
            #!/bin/bash
            case "$*" in */\(host)/*) ;; *) exec '\(Program.agent)' "$@" ;; esac
            cd '\(folder)' || exit
            mkdir lost 2>/dev/null || \(again)
            mkfifo in out
            setsid '\(Program.agent)' "$@" < in > out 2>/dev/null &
            agent=$!
            exec 5> in
            cat out & relay=$!
            while head -c 5 > head && [ -s head ]; do
                length=$(od -An -tu4 -N4 head)
                if [ $(od -An -tu1 -j4 -N1 head) = \(frame[4]) ]; then
                    if [ \(loss.rawValue) = deaf ]; then
                        head -c $((length - 1)) > /dev/null
                        continue
                    fi
                    kill $relay
                    if [ \(moment.rawValue) = after ]; then
                        live=$(readlink "$3/current")
                        cat head >&5
                        while [ "$(readlink "$3/current")" = "$live" ]; do sleep 0.02; done
                    fi
                    case \(loss.rawValue) in
                        killed) kill -9 $agent; exit ;;
                        silent) exec sleep 1000 5>&- ;;
                        late) setsid bash -c 'sleep 3; cat head; sleep 1' >&5 2>/dev/null < /dev/null & exit ;;
                    esac
                fi
                cat head >&5
                head -c $((length - 1)) >&5
            done
            exec 5>&-
            wait $agent
            """,
            to: "lossy-\(host)/agent")
    }
}
