// Holds encoded messages once for the whole fleet, in an unlinked temporary file. So the controller's memory does not
// grow with the release, and each session is fed from the file at its own pace.

import Synchronization
import SystemPackage

/// Where some whole messages stand in the spool.
struct SpoolRange: Hashable, Sendable {
    var offset: Int64
    var length: Int
}

/// A file without a name that grows at its end. Safe to use from several threads.
final class Spool: Sendable {
    let file: FileDescriptor
    private let end = Atomic<Int64>(0)

    /// Makes the file in `temporaryFolder`.
    init() throws(SlotSyncError) {
        do { file = try makeUnnamedFile() } catch {
            throw SlotSyncError(
                .system,
                "cannot make the spool file in \(quoted(temporaryFolder)): point TMPDIR at a folder that can be written",
                errno: error)
        }
    }

    deinit { try? file.close() }

    /// Appends `bytes` and says where they stand.
    func append(_ bytes: [UInt8]) throws(SlotSyncError) -> SpoolRange {
        let offset = end.wrappingAdd(Int64(bytes.count), ordering: .relaxed).oldValue
        do {
            try bytes.withUnsafeBufferPointer { (buffer) throws(Errno) in
                try file.writeFully(UnsafeRawBufferPointer(buffer), at: offset)
            }
        } catch {
            throw SlotSyncError(
                .system,
                "cannot write the spool file in \(quoted(temporaryFolder)): make room on its file system, or point TMPDIR "
                    + "elsewhere", errno: error)
        }
        return SpoolRange(offset: offset, length: bytes.count)
    }
}
