// A temporary file that nobody else can open and that is gone with its descriptor: for what is larger than memory
// should be. The spool of patch frames is one, and so is what a command reads from a pipe and needs at any position.

import Glibc
package import SystemPackage

/// Where temporary files are made: `$TMPDIR`, or `/var/tmp`, where there is more room than in memory.
package var temporaryFolder: String { getenv("TMPDIR").map { String(cString: $0) } ?? "/var/tmp" }

/// Makes an empty file in `temporaryFolder`, for reading and writing. The corresponding C functions are `mkstemp` and
/// `unlink`.
package func makeUnnamedFile() throws(Errno) -> FileDescriptor {
    var template = Array("\(temporaryFolder)/slotsync-XXXXXX".utf8CString)
    let raw = try systemCall { mkstemp(&template) }
    // `mkostemp`, which would do this as well, is not visible from Swift.
    _ = fcntl(raw, F_SETFD, FD_CLOEXEC)
    unlink(template)
    return FileDescriptor(rawValue: raw)
}
