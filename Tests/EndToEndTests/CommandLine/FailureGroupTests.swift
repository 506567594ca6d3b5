// Equal reasons are told once.

import Canary
@testable import SlotSync
import Testing

@testable import slotsync

@Suite("Groups of failures")
struct FailureGroupTests {
    private func failures(_ hosts: String, _ message: (Host) -> String) throws -> [HostFailure] {
        try HostList.parse(hosts).map { HostFailure(host: $0, error: SlotSyncError(.diskFull, message($0))) }
    }

    @Test("hosts with one reason stand on one line, folded, in the order of their first failures")
    func folded() throws {
        let full = try failures("web[003,017-019]") { _ in "disk full: needs 1.2 GB, 300 MB free" }
        let other = try failures("web001") { _ in "no room for the record" }
        let lines = FailureGroup.groups(of: full + other, root: "/srv/www").map(\.line)
        #expect(
            lines == [
                "web[003,017-019]: disk full: needs 1.2 GB, 300 MB free", "web001: no room for the record",
            ])
    }

    @Test("amounts that differ are told from the least to the most")
    func amounts() throws {
        let full = try failures("web[1-3]") {
            "disk full: needs 1,200 B, \($0.name == "web2" ? "1.2 GB" : "900 MB") free"
        }
        let lines = FailureGroup.groups(of: full, root: "/srv/www").map(\.line)
        #expect(lines == ["web[1-3]: disk full: needs 1,200 B, 900 MB to 1.2 GB free"])
    }

    @Test("what ssh says with each host's own name or address is one reason")
    func ssh() throws {
        let refused = try failures("web[001-120]") { "ssh: connect to host \($0.name) port 22: Connection refused" }
        #expect(
            FailureGroup.groups(of: refused, root: "/srv").map(\.line)
                == ["web[001-120]: ssh: connect to host {host} port 22: Connection refused"])
        let closed = try failures("web[1-3]") { "Connection closed by 10.0.0.\($0.name.last!) port 22" }
        #expect(
            FailureGroup.groups(of: closed, root: "/srv").map(\.line)
                == ["web[1-3]: Connection closed by {address} port 22"])
    }

    @Test("a lock is one reason, whichever process holds it on each host")
    func locks() throws {
        let locked = try failures("h[1-9]") {
            "root \"/srv/www\" is locked by \"a push by eva@ctl, pid 41\($0.name.last!)\" since 2026-03-01 12:30:0"
                + "\($0.name.last!) UTC: wait"
        }
        #expect(
            FailureGroup.groups(of: locked, root: "/srv/www").map(\.line) == [
                #"h[1-9]: root "/srv/www" is locked by "a push by eva@ctl, pid 411" on h1 since 2026-03-01 12:30:01 UTC: wait"#
            ])
    }

    @Test("what stands in quotes, in a path or in a time is no amount: of quoted texts that differ one host's are told")
    func quotes() throws {
        let removed = try failures("h[1-3]") {
            "removed 2\($0.name.last!) entries (\"img/\($0.name.last!)77.jpg\", \"a\\\"\($0.name.last!)\") and 1 more"
        }
        #expect(
            FailureGroup.groups(of: removed, root: "/srv").map(\.line) == [
                #"h[1-3]: removed 21 to 23 entries ("img/177.jpg", "a\"1" on h1) and 1 more"#
            ])
        for text in ["/srv/img/%77.jpg is missing", "order-%0.pdf is missing", "it began at 12:3%:00", "a.%0 is bad"] {
            let differing = try failures("h[1-3]") { text.replacing("%", with: String($0.name.last!)) }
            let lines = FailureGroup.groups(of: differing, root: "/srv").map(\.line)
            #expect(lines.count == 3, "\(lines)")
        }
        let open = try failures("h[1-2]") { "said \"line \($0.name.last!)" }
        #expect(FailureGroup.groups(of: open, root: "/srv").map(\.line) == [#"h[1-2]: said "line 1 to 2"#])
    }

    @Test("processes' numbers are no amounts: those that differ are told with their hosts, of many one")
    func processes() throws {
        let locked = try failures("h[1-3]") { "locked by a push by eva@build, pid 471\($0.name.last!), since noon" }
        #expect(
            FailureGroup.groups(of: locked, root: "/srv").map(\.line) == [
                "h[1-3]: locked by a push by eva@build, pid 4711 on h1, pid 4712 on h2, pid 4713 on h3, since noon"
            ])
        let many = try failures("h[1-9]") { "locked by a push by eva@build, pid 471\($0.name.last!), since noon" }
        #expect(
            FailureGroup.groups(of: many, root: "/srv").map(\.line) == [
                "h[1-9]: locked by a push by eva@build, pid 4711 on h1, another on each, since noon"
            ])
        let open = try failures("h[1-2]") { _ in "held open by php-fpm (pid 812)" }
        #expect(FailureGroup.groups(of: open, root: "/srv").map(\.line) == ["h[1-2]: held open by php-fpm (pid 812)"])
    }

    @Test("commands stay as hosts say them, for whoever knows how the hosts were named")
    func commands() throws {
        let text = "it is changed: `slotsync flip --force 3f2a09bc` insists"
        let groups = FailureGroup.groups(of: try failures("h[1-2]") { _ in text }, root: "/srv")
        #expect(groups.map(\.reason) == [text])
    }

    @Test("another slot, exit code or release is another reason, and so is a name within another")
    func kinds() throws {
        let hosts = try HostList.parse("h1,h12")
        func lines(_ texts: String...) -> Int {
            let failures = zip(hosts, texts).map { HostFailure(host: $0, error: SlotSyncError(.notReady, $1)) }
            return FailureGroup.groups(of: failures, root: "/srv").count
        }
        #expect(lines("slot 1 was changed", "slot 2 was changed") == 2)
        #expect(lines("exit code 1", "exit code 255") == 2)
        #expect(lines("release 3f2a09bc is bad", "release 11111111 is bad") == 2)
        #expect(lines("the agent is version 0.1.0", "the agent is version 0.2.0") == 2)
        #expect(lines("link to h1.old", "link to h12.old") == 2)
        #expect(lines("h1 is gone.", "h12 is gone.") == 1)
    }

    @Test("a reason that names each host's own root is one reason")
    func roots() throws {
        let failures = try failures("h[1-3]") { "root \"/srv/\($0.name)/www\" is missing" }
        let lines = FailureGroup.groups(of: failures, root: "/srv/{host}/www").map(\.line)
        #expect(lines == [#"h[1-3]: root "/srv/{host}/www" is missing"#])
    }

    @Test("a single host's reason stays as it is")
    func single() throws {
        let failures = try failures("h1") { "root \"/srv/\($0.name)/www\" is missing" }
        let lines = FailureGroup.groups(of: failures, root: "/srv/{host}/www").map(\.line)
        #expect(lines == [#"h1: root "/srv/h1/www" is missing"#])
    }

    @Test("equal words under another code are another reason")
    func codes() throws {
        let host = try Host("h1")
        let codes: [SlotSyncError.Code] = [.timedOut, .unreachable]
        let failures = codes.map { HostFailure(host: host, error: SlotSyncError($0, "gone")) }
        #expect(FailureGroup.groups(of: failures, root: "/srv").map(\.code) == codes)
    }

    @Test(
        "a line of a host's that is all words and numbers takes no more than its length allows",
        .timeLimit(.minutes(1)),
        arguments: ["slot 1 ", "slot ", "1:", "a.b:", "1,", "release\u{301} 7 "])
    func longLines(_ piece: String) throws {
        // Four times what a host may send.
        let line = String(repeating: piece, count: 4 * 4096 / piece.count)
        let kind = SentenceKind(line, of: try Host("h1"))
        #expect(kind.key == SentenceKind(line, of: try Host("h2")).key)
        #expect(kind.key != SentenceKind(line + "x", of: try Host("h1")).key)
    }
}
