// Reads a small file whole, with a bound: hosts files, exclusion files, the configuration. The file may be a pipe
// (`--hosts-file <(…)`), so its size is not looked up beforehand. A byte-order mark is what some editors put first.

import Glibc
package import SystemPackage

/// The bytes of the file at `path`, of which there may be no more than `bound`; `what` names the
/// file's purpose in errors.
package func contents(of path: FilePath, atMost bound: Int, what: String) throws(SlotSyncError) -> [UInt8] {
    do {
        let file = try FileDescriptor.open(named: path, O_RDONLY)
        return try file.closeAfter {
            var bytes: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 64 << 10)
            while true {
                let count = try chunk.withUnsafeMutableBytes { try file.read(into: $0) }
                if count == 0 { return bytes }
                guard bytes.count + count <= bound else {
                    throw SlotSyncError(
                        .badInput, "\(what) \(path) is larger than \(bound) bytes; is it the right file?")
                }
                bytes.append(contentsOf: chunk[..<count])
            }
        }
    } catch let error as SlotSyncError {
        throw error
    } catch {
        throw SlotSyncError(.system, "cannot read the \(what) \(path)", errno: error as? Errno)
    }
}

/// Why a line of a file is wrong. What others may not read in the file, they are not to read in a log of errors either: then
/// the line is not quoted.
func reason(_ error: SlotSyncError, ofLineIn file: FilePath?) -> String {
    guard let file, let status = try? FileStatus(following: file.string), status.kind == .file, status.mode & 0o004 == 0
    else { return error.message }
    return "this line cannot be used (it is not shown, since others may not read the file)"
}

/// `bytes` without the byte-order mark of UTF-8, which is no part of the text.
package func withoutByteOrderMark(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
    bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes.dropFirst(3) : bytes[...]
}
