// Small files in a directory, read and replaced whole. Reading has a bound; after a crash a replaced file is the old
// one or the new one. State, records and caches are kept this way.

import CSystemCalls
import Glibc
import Synchronization
import SystemPackage

extension Directory {
    /// A file's bytes; nil if there is no such file.
    ///
    /// - Parameter check: called with the status of the file that was opened, before it is read.
    func contents(
        of name: String, atMost bound: Int, checking check: (FileStatus) throws -> Void = { _ in }
    ) throws -> [UInt8]? {
        let file: FileDescriptor
        do { file = try openFile(name, O_RDONLY | O_NONBLOCK) } catch {
            if error == .noSuchFileOrDirectory { return nil }
            throw failure(to: "read", shownPath(of: name), error)
        }
        defer { try? file.close() }
        let status = try naming("look at", shownPath(of: name)) { try file.status() }
        guard status.kind == .file else {
            throw SlotSyncError(
                .corrupt,
                "\(quoted(shownPath(of: name))) is no file: somebody put something else there; move it away")
        }
        try check(status)
        let size = status.size
        guard size <= UInt64(bound) else {
            throw SlotSyncError(
                .corrupt,
                "\(quoted(shownPath(of: name))) is damaged: it has \(size) bytes, at most \(bound) are allowed")
        }
        return try naming("read", shownPath(of: name)) {
            try [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
                count = try file.readFully(at: 0, into: UnsafeMutableRawBufferPointer(buffer))
            }
        }
    }

    /// Replaces a file: written beside it, synchronized, renamed over it, the directory synchronized.
    ///
    /// - Parameter isShared: whether others may do the same at the same time. Else what is written beside it has the
    ///   same name every time, so that a crash leaves no more than one.
    /// - Parameter adopt: called with the new file, to give it to somebody else.
    func replaceContents(
        of name: String, by bytes: [UInt8], mode: UInt32 = 0o600, isShared: Bool = false,
        adopting adopt: (FileDescriptor) -> Void = { _ in }
    ) throws {
        let temporary =
            isShared ? "\(name).\(getpid())-\(UInt32.random(in: .min ... .max)).tmp" : Self.unfinishedName(of: name)
        try? remove(temporary)
        try naming("write", shownPath(of: temporary)) { try write(bytes, to: temporary, mode: mode, adopt) }
        try naming("replace", shownPath(of: name)) {
            try rename(temporary, to: name)
            try synchronize()
        }
    }

    /// What a file is called while it is written beside the one that it replaces.
    static func unfinishedName(of name: String) -> String { "\(name).tmp" }

    private func write(
        _ bytes: [UInt8], to temporary: String, mode: UInt32, _ adopt: (FileDescriptor) -> Void
    ) throws {
        let file = try openFile(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
        do {
            defer { try? file.close() }
            adopt(file)
            try bytes.withUnsafeBytes { try file.writeFully($0) }
            try file.synchronize()
        } catch {
            try? remove(temporary)
            throw error
        }
    }

    /// Makes a file without a name, for writing: it has all that this directory gives to its files, and is gone with its
    /// descriptor unless `name(_:as:)` is called.
    ///
    /// - Throws: where the file system, the kernel or a sandbox has no such files.
    func makeUnnamedFile(mode: UInt32) throws(Errno) -> FileDescriptor {
        let raw = descriptor.rawValue
        return FileDescriptor(rawValue: try systemCall { ss_unnamed_file(raw, mode) })
    }

    /// Gives a file that was made without a name one in this directory; throws `.fileExists` where something stands there.
    func name(_ file: FileDescriptor, as name: UnsafePointer<CChar>) throws(Errno) {
        let raw = descriptor.rawValue
        try systemCall { ss_name_file(file.rawValue, raw, name) }
    }

    func makeDirectoryIfMissing(_ name: String, mode: UInt32) throws(Errno) {
        do { try makeDirectory(name, mode: mode) } catch {
            guard error == .fileExists else { throw error }
        }
    }

    /// Makes a directory that others are to come into, with this mode: the process's umask does not narrow it. A chmod
    /// afterwards would take setgid away where the agent is not in the directory's group.
    func makeDirectoryUnmasked(_ name: UnsafePointer<CChar>, mode: UInt32) throws(Errno) {
        try withoutUmask { () throws(Errno) in try makeDirectory(name, mode: mode) }
    }
}

/// The umask is the whole process's: nobody else changes it meanwhile.
private let umaskUse = Mutex(())

private func withoutUmask(_ step: () throws(Errno) -> Void) throws(Errno) {
    try umaskUse.withLock { (_) throws(Errno) in
        let before = umask(0)
        defer { umask(before) }
        try step()
    }
}
