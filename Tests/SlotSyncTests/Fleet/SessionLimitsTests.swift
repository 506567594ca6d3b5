import Testing

@testable import SlotSync

@Suite("What so many sessions need")
struct SessionLimitsTests {
    @Test("too few descriptors or processes are told with the number that would do, and that number does")
    func limits() throws {
        let limits = SessionLimits(sessions: 500, logins: 128)
        let told = try #require(limits.problem(descriptors: 1024, processes: .max))
        #expect(told.contains("\(limits.neededDescriptors)") && told.contains("1024") && told.contains("ulimit -n"))
        #expect(limits.problem(descriptors: limits.neededDescriptors, processes: .max) == nil)
        #expect(limits.problem(descriptors: limits.neededDescriptors - 1, processes: .max) != nil)
        let processes = try #require(limits.problem(descriptors: .max, processes: 100))
        #expect(processes.contains("\(limits.neededProcesses)") && processes.contains("ulimit -u"))
        #expect(limits.problem(descriptors: .max, processes: limits.neededProcesses) == nil)
    }

    @Test("logins are fewer where sessions fit, and sessions too where there is one a login")
    func fitting() throws {
        let rollback = try #require(
            SessionLimits(sessions: 200, logins: 128).fitting(descriptors: 1024, processes: .max))
        #expect(rollback.sessions == 200 && (1..<128).contains(rollback.logins))
        #expect(SessionLimits(sessions: 300, logins: 128).fitting(descriptors: 1024, processes: .max) == nil)
        #expect(SessionLimits(sessions: 200, logins: 1).fitting(descriptors: .max, processes: 100) == nil)
        let status = try #require(SessionLimits(logins: 128).fitting(descriptors: 1024, processes: .max))
        #expect(status.sessions == status.logins && (100..<128).contains(status.logins))
        #expect(SessionLimits(logins: 128).fitting(descriptors: .max, processes: 100)?.sessions == 68)
        #expect(SessionLimits(logins: 128).fitting(descriptors: 4096, processes: .max)?.logins == 128)
        #expect(SessionLimits(logins: 128).fitting(descriptors: 64, processes: .max) == nil)
    }
}
