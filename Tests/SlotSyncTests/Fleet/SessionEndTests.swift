import Testing

@testable import SlotSync

@Suite("Why a session ended")
struct SessionEndTests {
    @Test("a missing agent is told as such, and in the same words for every shell")
    func missing() {
        let ends = [
            SessionEnd(process: .exited(127), said: "sh: 1: exec: slotsync-agent: not found", wasGreeted: false),
            SessionEnd(
                process: .exited(127), said: "bash: line 1: slotsync-agent: command not found", wasGreeted: false),
            SessionEnd(process: .exited(1), said: "slotsync-agent: Command not found.", wasGreeted: false),
        ]
        for end in ends {
            #expect(end.error.code == .agentMissing && end.error == ends[0].error)
            #expect(end.error.message.contains("slotsync install"))
        }
    }

    @Test("an agent that the user named is named again")
    func named() {
        let end = SessionEnd(
            process: .exited(127), said: "not found", wasGreeted: false, agentProgram: "/no/such/agent")
        #expect(end.error.code == .agentMissing && end.error.message.contains("/no/such/agent"))
    }

    @Test("an agent that cannot be run is told with what the host says")
    func notRunnable() {
        let end = SessionEnd(process: .exited(126), said: "Exec format error", wasGreeted: false)
        #expect(end.error.code == .agentMissing && end.error.message.contains("Exec format error"))
    }

    @Test("ssh's own failures keep ssh's words")
    func ssh() {
        let end = SessionEnd(process: .exited(255), said: "no such identity: No such file; refused", wasGreeted: false)
        #expect(end.error.code == .unreachable && end.error.message.contains("refused"))
    }

    @Test("an end after the greeting is no missing agent, whatever the exit code")
    func afterGreeting() {
        #expect(SessionEnd(process: .exited(127), said: "", wasGreeted: true).error.code == .unreachable)
        let killed = SessionEnd(process: .signalled(9), said: "", wasGreeted: true).error
        #expect(killed.code == .unreachable && killed.message.contains("signal 9"))
        #expect(SessionEnd(process: nil, said: "", wasGreeted: true).error.code == .unreachable)
    }
}
