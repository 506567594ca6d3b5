// Where a stage does its work. What comes of it is tested with real agents.

import Synchronization
import Testing

@testable import SlotSync

@Suite("A stage on the controller")
struct FleetStageTests {
    @Test("the source is read on threads that run no task, so that no session waits for one of the pool's")
    func readsOffThePool() async throws {
        try await withFolder { folder in
            try Directory(path: folder.path("")).makeDirectory("source")
            try folder.write([1, 2, 3], to: "source/file")
            let connection = await FleetConnection(
                Fleet(
                    hosts: try HostList.parse("h1"), root: folder.path("root").string,
                    transport: Transport(.local, remoteCommand: "/bin/false")))
            var options = StageOptions()
            options.cacheDirectory = folder.path("caches")
            let isOfTask = Mutex<[Bool]>([])
            let report = try await FleetStage.run(
                folder.path("source"), options: options, over: connection, keepsSessions: false
            ) { event in
                switch event {
                case .scanning, .scanned: isOfTask.withLock { $0.append(withUnsafeCurrentTask { $0 != nil }) }
                default: break
                }
            }
            await connection.close()
            #expect(report.failures.count == 1 && report.files == 1)
            let found = isOfTask.withLock { $0 }
            #expect(!found.isEmpty && !found.contains(true), "\(found)")
        }
    }

    @Test("a host asks for each shared file once, in order, and for none after it said that this is all")
    func seedRequests() throws {
        func refusal(_ parts: [([UInt32], isLast: Bool)]) -> SlotSyncError.Code? {
            var requests = SeedRequests()
            return errorCode { for part in parts { try requests.take(part.0, isLast: part.isLast) } }
        }
        #expect(refusal([([1, 2], false), ([3], false), ([7, 9], true)]) == nil)
        for parts in [
            [([1, 2], false), ([2, 3], false)], [([5], false), ([1], true)], [([1], true), ([2], true)],
            [([UInt32.max], false)],
        ] as [[([UInt32], isLast: Bool)]] {
            #expect(refusal(parts) == .protocolViolation, "\(parts)")
        }
    }
}
