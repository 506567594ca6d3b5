// Equal reasons are told once.

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
        let other = try failures("web001") { _ in "disk full: needs 1.2 GB, 299 MB free" }
        let lines = FailureGroup.groups(of: full + other, root: "/srv/www").map(\.line)
        #expect(
            lines == [
                "web[003,017-019]: disk full: needs 1.2 GB, 300 MB free",
                "web001: disk full: needs 1.2 GB, 299 MB free",
            ])
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
}
