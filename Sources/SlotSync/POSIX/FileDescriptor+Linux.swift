// Calls on open files that swift-system lacks: status, times, reflinks, copies inside the kernel, splicing into a
// pipe, and reads and writes that go on until all is done.

import CSystemCalls
import Glibc
import SystemPackage

extension FileDescriptor {
    func status() throws(Errno) -> FileStatus {
        var status = Glibc.stat()
        try systemCall { Glibc.fstat(rawValue, &status) }
        return FileStatus(status)
    }

    /// When the file was made; nil where the file system does not keep that.
    var birth: Timestamp? { FileStatus.birth(following: "", in: rawValue) }

    /// Reads at `offset` until `buffer` is full or the file ends.
    ///
    /// - Returns: how many bytes were read: fewer than the buffer holds only at the end.
    func readFully(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
        var done = 0
        while done < buffer.count {
            let count = try systemCall {
                Glibc.pread(rawValue, buffer.baseAddress! + done, buffer.count - done, Int(offset) + done)
            }
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// Writes all of `bytes` at `offset`.
    func writeFully(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Errno) {
        var done = 0
        while done < bytes.count {
            done += try systemCall {
                Glibc.pwrite(rawValue, bytes.baseAddress! + done, bytes.count - done, Int(offset) + done)
            }
        }
    }

    func setMode(_ mode: UInt16) throws(Errno) { try systemCall { Glibc.fchmod(rawValue, mode_t(mode)) } }

    func setOwner(_ owner: UInt32, group: UInt32) throws(Errno) {
        try systemCall { Glibc.fchown(rawValue, owner, group) }
    }

    func setModified(_ time: Timestamp) throws(Errno) {
        let raw = rawValue
        try time.asModificationAlone { (times) throws(Errno) in try systemCall { Glibc.futimens(raw, times) } }
    }

    func setLength(_ length: Int64) throws(Errno) { try systemCall { Glibc.ftruncate(rawValue, Int(length)) } }

    /// Moves the file offset on: what is written behind it leaves a hole.
    func skip(_ length: Int64) throws(Errno) { try systemCall { Glibc.lseek(rawValue, Int(length), SEEK_CUR) } }

    /// Takes room on the disk for the first `length` bytes. The corresponding C function is `posix_fallocate`.
    func reserve(_ length: Int64) throws(Errno) {
        let error = Glibc.posix_fallocate(rawValue, 0, Int(length))
        if error != 0 { throw Errno(rawValue: error) }
    }

    /// Makes a file that is in memory alone.
    static func inMemory(_ name: String) throws(Errno) -> FileDescriptor {
        FileDescriptor(rawValue: try systemCall { ss_memory_file(name) })
    }

    func synchronize() throws(Errno) { try systemCall { Glibc.fsync(rawValue) } }

    func setNonBlocking() throws(Errno) {
        let flags = try systemCall { Glibc.fcntl(rawValue, F_GETFL) }
        try systemCall { Glibc.fcntl(rawValue, F_SETFL, flags | O_NONBLOCK) }
    }

    /// Shares the blocks of `source`: a reflink. Throws where the file system has none.
    func clone(from source: FileDescriptor) throws(Errno) {
        try systemCall { ss_clone_file(rawValue, source.rawValue) }
    }

    /// Copies up to `length` bytes at `offset` of `source` to the same offset here, inside the kernel.
    func copyRange(from source: FileDescriptor, at offset: Int64, length: Int) throws(Errno) -> Int {
        var (from, to) = (offset, offset)
        return try systemCall { ss_copy_file_range(source.rawValue, &from, rawValue, &to, length) }
    }

    /// Moves up to `length` bytes at `offset` of this file into a non-blocking pipe, without a copy.
    ///
    /// - Throws: `.resourceTemporarilyUnavailable` when the pipe is full.
    func splice(at offset: Int64, length: Int, to pipe: FileDescriptor) throws(Errno) -> Int {
        var from = offset
        return try systemCall { ss_splice_to_pipe(rawValue, &from, pipe.rawValue, length) }
    }

    /// The next range at or after `offset` that holds data; nil when only a hole is left.
    func nextData(from offset: Int64) throws(Errno) -> Range<Int64>? {
        do {
            let start = try systemCall { Glibc.lseek(rawValue, Int(offset), CInt(ss_seek_data)) }
            let end = try systemCall { Glibc.lseek(rawValue, start, CInt(ss_seek_hole)) }
            return Int64(start)..<Int64(end)
        } catch .noSuchAddressOrDevice {
            return nil
        } catch {
            // A file system, or a sandbox, that tells of no holes: all is data.
            guard [.invalidArgument, .notSupported, .noFunction, .notPermitted].contains(error) else { throw error }
            let size = Int64(clamping: try status().size)
            return offset < size ? offset..<size : nil
        }
    }

    /// A pipe whose ends are closed in child processes.
    static func closeOnExecPipe() throws(Errno) -> (read: FileDescriptor, write: FileDescriptor) {
        var ends: [CInt] = [0, 0]
        try ends.withUnsafeMutableBufferPointer { (ends) throws(Errno) -> Void in
            let start = ends.baseAddress
            try systemCall { ss_pipe2(start, O_CLOEXEC) }
        }
        return (FileDescriptor(rawValue: ends[0]), FileDescriptor(rawValue: ends[1]))
    }

    /// Lets a pipe hold about so many bytes. Unprivileged users have a limit for all their pipes together.
    func setPipeSize(_ bytes: Int) throws(Errno) {
        _ = try systemCall { ss_set_pipe_size(rawValue, CInt(bytes)) }
    }
}
