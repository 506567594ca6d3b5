// Encoded messages wait here, once for the whole fleet: an unlinked temporary file, so that the
// controller's memory does not grow with the release, and each session is fed from it at its own pace.

import Glibc
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

    /// Makes the file in `$TMPDIR`, or `/var/tmp`, where there is more room than in memory.
    init() throws(SlotSyncError) {
        let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/var/tmp"
        do { file = try Self.unnamedFile(in: folder) } catch {
            throw SlotSyncError(
                .system,
                "cannot make the spool file in \(quoted(folder)): point TMPDIR at a folder that can be written",
                errno: error)
        }
    }

    deinit { try? file.close() }

    private static func unnamedFile(in folder: String) throws(Errno) -> FileDescriptor {
        var template = Array("\(folder)/slotsync-spool-XXXXXX".utf8CString)
        let raw = try systemCall { mkostemp_(&template) }
        unlink(template)
        return FileDescriptor(rawValue: raw)
    }

    /// Appends `bytes` and says where they stand.
    func append(_ bytes: [UInt8]) throws(SlotSyncError) -> SpoolRange {
        let offset = end.wrappingAdd(Int64(bytes.count), ordering: .relaxed).oldValue
        do {
            try bytes.withUnsafeBufferPointer { (buffer) throws(Errno) in
                try file.writeFully(UnsafeRawBufferPointer(buffer), at: offset)
            }
        } catch {
            throw SlotSyncError(
                .system, "cannot write the spool file: make room on its file system, or point TMPDIR elsewhere",
                errno: error)
        }
        return SpoolRange(offset: offset, length: bytes.count)
    }
}

/// `mkstemp`, closed in child processes; `mkostemp` is not visible from Swift.
private func mkostemp_(_ template: inout [CChar]) -> CInt {
    let raw = mkstemp(&template)
    if raw != -1 { _ = fcntl(raw, F_SETFD, FD_CLOEXEC) }
    return raw
}
