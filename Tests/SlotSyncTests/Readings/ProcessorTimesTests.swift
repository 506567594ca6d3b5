import Testing

@testable import SlotSync

@Suite("What the kernel tells of the host")
struct ProcessorTimesTests {
    private func times(_ ticks: String) throws -> ProcessorTimes {
        try #require(ProcessorTimes(stat: "cpu  \(ticks)\ncpu0 1 2 3 4 5 6 7 8 9 10\n"))
    }

    @Test(
        "the share that was work: waiting for a disk is rest, stolen time is neither",
        arguments: [
            // user nice system idle iowait irq softirq steal guest guest_nice
            ("100 0 0 100 0 0 0 0 0 0", 50.0), ("10 20 30 0 0 20 20 0 0 0", 100), ("0 0 0 50 150 0 0 0 0 0", 0),
            ("25 0 0 75 0 0 0 900 0 0", 25), ("100 0 0 0 0 0 0 900 0 0", 100), ("50 0 0 50 0 0 0 0 50 0", 50),
        ])
    func share(ticks: String, percent: Double) throws {
        let before = try times("1000 1000 1000 1000 1000 1000 1000 1000 1000 1000")
        let sums = ticks.split(separator: " ").compactMap { Int($0) }.map { "\($0 + 1000)" }.joined(separator: " ")
        #expect(try times(sums).share(since: before) == percent)
    }

    @Test("where no time has passed there is no share, and a clock that goes back makes none below 0 or above 100")
    func odd() throws {
        let before = try times("100 0 0 100 100 0 0 0 0 0")
        #expect(before.share(since: before) == nil)
        #expect(try times("150 0 0 120 10 0 0 0 0 0").share(since: before) == 100)
        #expect(try times("50 0 0 150 100 0 0 0 0 0").share(since: before) == 0)
    }

    @Test("over a few ticks there is no share, and the next one spans their time as well")
    func tooSoon() throws {
        let start = ContinuousClock.now
        var course = ProcessorCourse(shortest: .milliseconds(500))
        func share(_ ticks: String, after milliseconds: Int) throws -> Result<Double, ProcessorCourse.Gap> {
            course.share(until: try times(ticks), at: start + .milliseconds(milliseconds))
        }
        #expect(try share("0 0 0 0 0 0 0 0 0 0", after: 0) == .failure(.first))
        #expect(try share("2 0 0 0 0 0 0 0 0 0", after: 20) == .failure(.tooSoon))
        #expect(try share("50 0 0 150 0 0 0 0 0 0", after: 2000) == .success(25))
        #expect(try share("50 0 0 150 0 0 0 0 0 0", after: 2600) == .failure(.standstill))
        #expect(try share("51 0 0 150 0 0 0 0 0 0", after: 2700) == .failure(.tooSoon))
        #expect(try share("100 0 0 200 0 0 0 0 0 0", after: 7000) == .success(50))
    }

    @Test("a kernel that tells less of it is understood, damage is not")
    func forms() {
        #expect(ProcessorTimes(stat: "cpu 1 2 3 4 5 6 7\n") == ProcessorTimes(stat: "cpu  1 2 3 4 5 6 7 8 9 10"))
        for text in ["", "cpu", "cpu 1 2 3", "cpu0 1 2 3 4 5 6 7 8", "cpu 1 2 x 4 5 6 7 8"] {
            #expect(ProcessorTimes(stat: text) == nil, "\(text)")
        }
    }

    @Test("the load average is the first number")
    func load() {
        #expect(loadAverage("0.25 1.50 3.00 2/345 6789\n") == 0.25)
        for text in ["", "x 1 2", "nan 1 2", "-1 0 0", "inf"] { #expect(loadAverage(text) == nil, "\(text)") }
    }

    @Test("this host's own files are understood")
    func own() throws {
        #expect(loadAverage(try procText("/proc/loadavg")) != nil)
        #expect(ProcessorTimes(stat: try procText("/proc/stat")) != nil)
        #expect(throws: SlotSyncError.self) { try procText("/proc/no-such-file") }
    }
}
