// The live line: what it says, and that it fits.

@testable import SlotSync
import Testing

@testable import slotsync

@Suite("Live line")
struct FleetProgressTests {
    private let start = ContinuousClock.now
    private let hosts: [Host]

    init() throws { hosts = try HostList.parse("web[1-4]") }

    /// A fleet of four, of which all have said that there are 20 MB to put into place.
    private func filled(_ made: UInt64, of planned: UInt64 = 20_000_000, hosts: Int = 4, heard: Int = 4) -> FleetEvent {
        var progress = StageProgress(hostCount: hosts)
        for host in 0..<heard {
            progress.plan(host, before: 1000, planned: planned)
            progress.note(host, bytes: 1000 + made)
        }
        return .filled(progress)
    }

    /// Four hosts under way: one is done, one has failed, half of the bytes are in place.
    private func progress() throws -> FleetProgress {
        var progress = FleetProgress(verb: "staging", hostCount: 120)
        for host in hosts { progress.note(.hostStarted(host), at: start) }
        progress.note(filled(0), at: start)
        progress.note(filled(10_000_000), at: start + .seconds(4))
        let staged = StagedHost(
            host: hosts[0], outcome: StageOutcome(kind: .staged, slot: 2, received: 1), sentBytes: 1, receivedBytes: 1)
        progress.note(.hostFinished(hosts[0], .staged(staged)), at: start)
        progress.note(.hostFinished(hosts[1], .failed(SlotSyncError(.diskFull, "disk full"))), at: start)
        return progress
    }

    @Test("it tells hosts, the share, bytes, rate and time left")
    func everything() throws {
        let line =
            "staging: 1 of 120 hosts done, 2 running, 1 failed, 50 %, 40.0 MB of 80.0 MB, 10.0 MB/s, 4 s left"
        #expect(try progress().line(width: 200) == line)
    }

    @Test("it is never longer than the terminal", arguments: 1...100)
    func width(_ width: Int) throws {
        #expect(try progress().line(width: width).count <= width)
    }

    @Test("on a narrow terminal what matters least is left out")
    func narrow() throws {
        #expect(try progress().line(width: 60) == "staging: 1 of 120 hosts done, 1 failed, 50 %, 4 s left")
        #expect(try progress().line(width: 45) == "staging: 1 of 120 hosts done, 1 failed, 50 %")
    }

    @Test("while the source is read it tells how far that is, and from the beginning nothing else")
    func scanning() {
        var progress = FleetProgress(verb: "staging", hostCount: 3, readsSource: true)
        #expect(progress.line(width: 80) == "reading the source")
        progress.note(.scanning(files: 9859, bytes: 126_000_000), at: start)
        #expect(progress.line(width: 80) == "reading the source: 9,859 files, 126 MB")
        let release = ReleaseName(id: .empty)
        progress.note(.scanned(release: release, files: 9859, bytes: 126_000_000), at: start)
        #expect(progress.line(width: 80) == "staging: 0 of 3 hosts done")
    }

    @Test("before the first host knows what it lacks, it tells what hosts do")
    func looking() {
        var progress = FleetProgress(verb: "staging", hostCount: 4)
        for host in hosts { progress.note(.hostStarted(host), at: start) }
        progress.note(filled(0, heard: 0), at: start)
        #expect(progress.line(width: 80) == "staging: 0 of 4 hosts done, 4 looking at what they have")
    }

    @Test("bytes have a total only when every host has said what it lacks; the share has one from the first on")
    func unknownTotal() {
        var progress = FleetProgress(verb: "staging", hostCount: 4)
        progress.note(filled(10_000_000, heard: 2), at: start)
        #expect(progress.line(width: 80) == "staging: 0 of 4 hosts done, 25 %, 20.0 MB")
    }

    @Test("hosts that say that they made more than there can be have no rate")
    func impossible() {
        var progress = FleetProgress(verb: "staging", hostCount: 4)
        progress.note(filled(0, of: .max), at: start)
        progress.note(filled(.max - 1000, of: .max), at: start + .milliseconds(600))
        #expect(progress.line(width: 200).hasPrefix("staging: 0 of 4 hosts done, "))
        #expect(!progress.line(width: 200).contains("/s"))
    }

    @Test("hooks that run are told, and where; one that has ended is not")
    func hooks() {
        var progress = FleetProgress(verb: "flip", hostCount: 4)
        #expect(progress.hooksAwaited(isEnding: false) == nil)
        progress.note(.hookAwaited(hosts[0], "before_flip"), at: start)
        #expect(progress.line(width: 80) == "flip: 0 of 4 hosts done, waiting for before_flip on 1 host")
        // An interruption ends it.
        #expect(progress.hooksAwaited(isEnding: true) == nil)
        progress.note(.hookAwaited(hosts[0], nil), at: start)
        for host in hosts[..<3] { progress.note(.hookAwaited(host, "after_flip"), at: start) }
        progress.note(.hostFinished(hosts[2], .failed(SlotSyncError(.hookFailed, "exit code 1"))), at: start)
        #expect(progress.hooksAwaited(isEnding: true) == "after_flip on 2 hosts")
        #expect(
            progress.line(width: 80) == "flip: 0 of 4 hosts done, waiting for after_flip on 2 hosts, 1 failed")
    }

    @Test("the rate is that of the last seconds, not of the whole way")
    func recentRate() {
        var progress = FleetProgress(verb: "staging", hostCount: 3)
        for second in 0...30 {
            let made = second <= 10 ? UInt64(second) * 10_000_000 : 100_000_000 + UInt64(second - 10) * 1_000_000
            progress.note(filled(made, of: 200_000_000, hosts: 1, heard: 1), at: start + .seconds(second))
        }
        #expect(progress.line(width: 200).contains(", 1.0 MB/s, 1 min 20 s left"))
    }

    @Test("where nothing moves no rate is made up")
    func stalled() {
        var progress = FleetProgress(verb: "staging", hostCount: 3)
        for second in 0...20 { progress.note(filled(1000, of: 2000, hosts: 1, heard: 1), at: start + .seconds(second)) }
        #expect(progress.line(width: 200) == "staging: 0 of 3 hosts done, 50 %, 1.0 kB of 2.0 kB")
    }

    @Test("without a terminal a line is due every minute, and none before the first is over")
    func minutes() {
        var minutes = MinuteLines(from: start)
        let due = (0..<200).filter { minutes.isDue(at: start + .seconds($0)) }
        #expect(due == [60, 120, 180])
    }
}
