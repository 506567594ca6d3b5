// Opens a file that was named on the command line, or standard input for "-". `signature`, `delta`, `patch` and
// `judge` read their input with it.

import Glibc
import SlotSync
import SystemPackage

struct InputFile {
    let named: NamedDescriptor

    /// Opens `path` for reading. `needsLength`: what has no length yet (a pipe) is read to a nameless temporary first.
    static func open(_ path: String, needsLength: Bool = false) throws -> InputFile {
        guard path == "-" else {
            do {
                let descriptor = try FileDescriptor.open(named: FilePath(path), O_RDONLY)
                let file = InputFile(named: NamedDescriptor(descriptor, name: path))
                return try needsLength ? file.withLength() : file
            } catch let errno as Errno {
                throw SlotSyncError(.badInput, "cannot open \(path)", errno: errno)
            }
        }
        let input = InputFile(named: NamedDescriptor(.standardInput, name: "standard input"))
        return try needsLength ? input.withLength() : input
    }

    /// The file itself, or a temporary with all that could be read from it.
    private func withLength() throws -> InputFile {
        var status = stat()
        guard fstat(named.descriptor.rawValue, &status) == 0 else {
            throw SlotSyncError(.system, "cannot read \(named.name)", errno: Errno(rawValue: errno))
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG, S_IFBLK: return self
        case S_IFDIR: throw SlotSyncError(.badInput, "\(named.name) is a folder; name a file in it")
        default: return try spooled()
        }
    }

    private func spooled() throws -> InputFile {
        let spool: FileDescriptor
        do { spool = try makeUnnamedFile() } catch {
            throw SlotSyncError(
                .system, "cannot make a temporary file in \(temporaryFolder); set TMPDIR to a folder with room",
                errno: error)
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { buffer.deallocate() }
        while true {
            let count: Int
            do { count = try named.descriptor.readPatiently(into: buffer) } catch {
                throw SlotSyncError(.system, "cannot read \(named.name)", errno: error)
            }
            if count == 0 { break }
            do { try spool.writeAll(UnsafeRawBufferPointer(rebasing: buffer[..<count])) } catch let errno as Errno {
                throw SlotSyncError(
                    .system,
                    "cannot keep \(named.name) in a temporary file in \(temporaryFolder); set TMPDIR to a folder with room",
                    errno: errno)
            }
        }
        _ = try spool.seek(offset: 0, from: .start)
        return InputFile(named: NamedDescriptor(spool, name: named.name))
    }

    /// How many bytes there are from the current position on.
    func length() throws -> UInt64 {
        do {
            let start = try named.descriptor.seek(offset: 0, from: .current)
            let end = try named.descriptor.seek(offset: 0, from: .end)
            _ = try named.descriptor.seek(offset: start, from: .start)
            return UInt64(max(end - start, 0))
        } catch let errno as Errno {
            throw SlotSyncError(.system, "cannot tell how long \(named.name) is", errno: errno)
        }
    }

    /// Closes what `open` opened; standard input is closed with the process.
    func close() {
        if named.descriptor != .standardInput { try? named.descriptor.close() }
    }
}
