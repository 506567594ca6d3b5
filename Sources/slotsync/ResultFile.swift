// Where `signature`, `delta` and `patch` write their result: to standard output, or to a file that gets its name only
// when it is complete. After a failure or a signal the old file is unchanged, and no temporary file is left.

import Glibc
import SlotSync
import SystemPackage

struct ResultFile {
    let named: NamedDescriptor
    /// An empty regular file, which may get holes.
    let isFresh: Bool

    /// Gives `body` the result to write to, and puts it in place if `body` returns.
    static func write(to path: String?, _ body: (ResultFile) throws -> Void) throws {
        // A reader that has gone is then an error of write(2), reported like any other.
        signal(SIGPIPE, SIG_IGN)
        guard let path, path != "-" else {
            guard isatty(FileDescriptor.standardOutput.rawValue) == 0 else {
                throw SlotSyncError(.badInput, "the result is binary and standard output a terminal; use --output")
            }
            return try body(
                ResultFile(named: NamedDescriptor(.standardOutput, name: "standard output"), isFresh: false))
        }
        try attempt("open", path) { try FileDescriptor.checkLinks(of: FilePath(path)) }
        var status = stat()
        let exists = stat(path, &status) == 0
        if exists, status.st_mode & S_IFMT == S_IFDIR {
            throw SlotSyncError(.badInput, "\(path) is a folder; name a file in it")
        }
        if exists, status.st_mode & S_IFMT != S_IFREG {
            // A device or a pipe: nothing to replace.
            let descriptor = try attempt("open", path) { try FileDescriptor.open(FilePath(path), .writeOnly) }
            try body(ResultFile(named: NamedDescriptor(descriptor, name: path), isFresh: false))
            return try attempt("write", path) { try descriptor.close() }
        }
        try replace(path, mode: exists ? status.st_mode & 0o777 : nil, body)
    }

    private static func replace(_ path: String, mode: mode_t?, _ body: (ResultFile) throws -> Void) throws {
        // Through a symlink, the file it points to is replaced.
        let target = resolved(path)
        let temporary = "\(target ?? path).slotsync-\(getpid())"
        let descriptor = try attempt("create", temporary) {
            try FileDescriptor.open(
                FilePath(temporary), .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
                // What nobody else may read is not to be read while it is written.
                permissions: FilePermissions(rawValue: mode == nil ? 0o666 : 0o600))
        }
        let watch = SignalWatch { number in
            unlink(temporary)
            SignalWatch.die(of: number)
        }
        defer { watch.end() }
        do {
            try body(ResultFile(named: NamedDescriptor(descriptor, name: path), isFresh: true))
            try attempt("write", path) {
                if let mode { _ = fchmod(descriptor.rawValue, mode) }
                // Else a crash soon after could leave the name on an empty file.
                guard fsync(descriptor.rawValue) == 0 else { throw Errno(rawValue: errno) }
                try descriptor.close()
                guard rename(temporary, target ?? path) == 0 else { throw Errno(rawValue: errno) }
            }
            synchronizeFolder(of: target ?? path)
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// What was told to be written is there after a power cut, too, where the file system can do that.
    private static func synchronizeFolder(of path: String) {
        let folder = FilePath(path).removingLastComponent()
        guard let descriptor = try? FileDescriptor.open(folder.isEmpty ? "." : folder, .readOnly, options: .closeOnExec)
        else { return }
        _ = fsync(descriptor.rawValue)
        try? descriptor.close()
    }

    /// Where a file is, or will be in a folder that is there: two paths of one file have the same.
    static func place(of path: String) -> String {
        let file = FilePath(path)
        let folder = file.removingLastComponent()
        return resolved(path)
            ?? "\(resolved(folder.isEmpty ? "." : folder.string) ?? "")/\(file.lastComponent?.string ?? "")"
    }

    /// The path without links; nil: nothing is there.
    private static func resolved(_ path: String) -> String? {
        realpath(path, nil).map { resolved in
            defer { free(resolved) }
            return String(cString: resolved)
        }
    }

    private static func attempt<Value>(_ verb: String, _ path: String, _ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let errno as Errno {
            throw SlotSyncError(errno == .noSpace ? .diskFull : .system, "cannot \(verb) \(path)", errno: errno)
        }
    }
}
