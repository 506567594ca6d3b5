// The live line: what it says, and that it fits.

@testable import SlotSync
import Testing

@testable import slotsync

@Suite("Live line")
struct FleetProgressTests {
    private let start = ContinuousClock.now
    private let hosts: [Host]

    init() throws { hosts = try HostList.parse("web[1-4]") }

    /// Four hosts under way: one is done, one has failed, half of the bytes are sent.
    private func progress() throws -> FleetProgress {
        var progress = FleetProgress(verb: "staging", hostCount: 120)
        for host in hosts { progress.note(.hostStarted(host), at: start) }
        progress.note(.transferred(sent: 0, planned: 80_000_000), at: start)
        progress.note(.transferred(sent: 40_000_000, planned: 80_000_000), at: start + .seconds(4))
        let staged = StagedHost(
            host: hosts[0], outcome: StageOutcome(kind: .staged, slot: 2, received: 1), sentBytes: 1, receivedBytes: 1)
        progress.note(.hostFinished(hosts[0], .staged(staged)), at: start)
        progress.note(.hostFinished(hosts[1], .failed(SlotSyncError(.diskFull, "disk full"))), at: start)
        return progress
    }

    @Test("it tells hosts, bytes, rate and time left")
    func everything() throws {
        let line = "staging: 1 of 120 hosts done, 2 running, 1 failed, 40.0 MB of 80.0 MB, 10.0 MB/s, 4 s left"
        #expect(try progress().line(width: 200) == line)
    }

    @Test("it is never longer than the terminal", arguments: 1...100)
    func width(_ width: Int) throws {
        #expect(try progress().line(width: width).count <= width)
    }

    @Test("on a narrow terminal what matters least is left out")
    func narrow() throws {
        #expect(try progress().line(width: 65) == "staging: 1 of 120 hosts done, 2 running, 1 failed, 4 s left")
        #expect(try progress().line(width: 45) == "staging: 1 of 120 hosts done, 1 failed")
    }

    @Test("while the source is read it tells how far that is")
    func scanning() {
        var progress = FleetProgress(verb: "staging", hostCount: 3)
        progress.note(.scanning(files: 9859, bytes: 126_000_000), at: start)
        #expect(progress.line(width: 80) == "reading the source: 9,859 files, 126 MB")
        let release = ReleaseName(id: .empty)
        progress.note(.scanned(release: release, files: 9859, bytes: 126_000_000), at: start)
        #expect(progress.line(width: 80) == "staging: 0 of 3 hosts done")
    }

    @Test("the rate is that of the last seconds, not of the whole way")
    func recentRate() {
        var progress = FleetProgress(verb: "staging", hostCount: 3)
        for second in 0...20 {
            let sent = second <= 10 ? UInt64(second) * 10_000_000 : 100_000_000 + UInt64(second - 10) * 1_000_000
            progress.note(.transferred(sent: sent, planned: 120_000_000), at: start + .seconds(second))
        }
        #expect(progress.line(width: 200).contains(", 1.0 MB/s, 10 s left"))
    }

    @Test("where nothing moves no rate is made up")
    func stalled() {
        var progress = FleetProgress(verb: "staging", hostCount: 3)
        for second in 0...20 {
            progress.note(.transferred(sent: 1000, planned: 2000), at: start + .seconds(second))
        }
        #expect(progress.line(width: 200) == "staging: 0 of 3 hosts done, 1.0 kB of 2.0 kB")
    }
}
