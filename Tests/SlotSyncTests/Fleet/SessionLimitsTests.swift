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
}
