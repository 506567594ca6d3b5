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

    @Test("a login that sshd dropped is told from one that it refused, and from what ended after the greeting")
    func dropped() {
        func isDropped(_ said: String, wasGreeted: Bool = false) -> Bool {
            SessionEnd(process: .exited(255), said: said, wasGreeted: wasGreeted).isDroppedLogin
        }
        for said in [
            "kex_exchange_identification: Connection closed by remote host", "Connection reset by 192.0.2.1 port 22",
            "kex_exchange_identification: read: Connection reset by peer",
            "ssh_exchange_identification: Connection closed by remote host",
            "Connection closed by UNKNOWN port 65535", "Connection timed out during banner exchange",
            "kex_exchange_identification: Connection closed by remote host; Connection closed by 192.0.2.9 port 22; "
                + "kex_exchange_identification: Connection closed by remote host; Connection closed by UNKNOWN port 65535",
            "Warning: Permanently added 'jump' (ED25519) to the list of known hosts.; Connection reset by 192.0.2.1 port 22",
            "/etc/ssh/ssh_config line 5: Deprecated option \"x\"; Connection reset by 192.0.2.1 port 22",
        ] {
            #expect(isDropped(said), "\(said)")
            #expect(!isDropped(said, wasGreeted: true))
        }
        for said in [
            "", "eva@web1: Permission denied (publickey).", "Host key verification failed.",
            "ssh: connect to host web1 port 22: Connection refused", "sh: 1: exec: slotsync-agent: not found",
            "channel 0: open failed: connect failed: Connection refused; Connection closed by UNKNOWN port 65535",
            // Proxies: one that is not there, one that gives up, a jump host that forbids it, one that is reached by itself.
            "/bin/bash: line 1: exec: no-such-proxy: not found; kex_exchange_identification: Connection closed by remote host; "
                + "Connection closed by UNKNOWN port 65535",
            "the badge has expired; kex_exchange_identification: Connection closed by remote host",
            "channel 0: open failed: administratively prohibited: open failed; stdio forwarding failed; "
                + "kex_exchange_identification: Connection closed by remote host; Connection closed by UNKNOWN port 65535",
            "jumphost loop via web1; kex_exchange_identification: Connection closed by remote host; "
                + "Connection closed by UNKNOWN port 65535",
        ] {
            #expect(!isDropped(said), "\(said)")
        }
    }

    @Test("what a person has to do about a login is said behind ssh's words")
    func advice() {
        func message(_ said: String, port: Int? = nil) -> String {
            SessionEnd(process: .exited(255), said: said, wasGreeted: false, port: port).error.message
        }
        #expect(message("Host key verification failed.", port: 2222).contains("ssh-keyscan -p 2222 HOST"))
        // The last lines of ssh on Debian, which are all that is kept.
        let changed =
            "Offending ED25519 key in /root/.ssh/known_hosts:1; remove with:; ssh-keygen -f \"/root/.ssh/known_hosts\" -R "
            + "\"web1\"; Host key for web1 has changed and you have requested strict checking.; Host key verification failed."
        for words in [message(changed), message(changed, port: 2222)] {
            #expect(!words.contains("keyscan") && words.contains("stands in between"), "\(words)")
            #expect(words.contains("ssh-keygen -lf"), "\(words)")
        }
        #expect(message(changed, port: 2222).contains("`ssh-keygen -R '[HOST]:2222'`"))
        let revoked =
            "Host key for web1 was revoked and you have requested strict checking.; Host key verification failed."
        #expect(
            !message(revoked).contains("keyscan") && message(revoked).contains("revoked: ask"), "\(message(revoked))")
        #expect(message("the badge has expired; Connection closed by UNKNOWN port 65535").contains("ProxyCommand"))
        #expect(message("Host key verification failed.").contains("ssh-keyscan"))
        #expect(
            !message("WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!; Host key verification failed.").contains(
                "keyscan"))
        #expect(message("eva@h: Permission denied (publickey).").contains("ssh-agent"))
    }

    @Test("a dropped login is tried three times more at most, later each time, and not beyond the timeout")
    func retries() {
        var retries = LoginRetries(timeout: .seconds(60))
        let pauses = (0..<5).compactMap { _ in retries.pause(after: .milliseconds(100), share: 0.5) }
        #expect(pauses.count == 3 && pauses == pauses.sorted() && Set(pauses).count == 3)
        #expect(retries.failure(SlotSyncError(.unreachable, "x")).message.contains("tried 4 times"))
        var short = LoginRetries(timeout: .seconds(2))
        #expect(short.pause(after: .milliseconds(1900), share: 0.5) == nil)
        var even = LoginRetries(timeout: .seconds(60))
        var late = LoginRetries(timeout: .seconds(60))
        #expect(even.pause(after: .zero, share: 0)! < late.pause(after: .zero, share: 0.99)!)
    }
}
