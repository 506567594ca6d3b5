// What is changed in a directory: entries are made, removed and renamed, get modes, times and owners, and all of it is made
// durable. As everywhere in Directory: relative to its descriptor, one name, and never through a symbolic link.

import CSystemCalls
import Glibc
import SystemPackage

extension Directory {
    func makeDirectory(_ name: UnsafePointer<CChar>, mode: UInt32 = 0o700) throws(Errno) {
        let raw = raw
        try systemCall { mkdirat(raw, name, mode) }
    }

    func makeSymbolicLink(_ name: UnsafePointer<CChar>, to text: UnsafePointer<CChar>) throws(Errno) {
        let raw = raw
        try systemCall { symlinkat(text, raw, name) }
    }

    func makeHardLink(
        _ name: UnsafePointer<CChar>, to existing: UnsafePointer<CChar>, in other: Directory
    ) throws(Errno) {
        let (raw, from) = (raw, other.raw)
        try systemCall { linkat(from, existing, raw, name, 0) }
    }

    func remove(_ name: UnsafePointer<CChar>) throws(Errno) {
        let raw = raw
        try systemCall { unlinkat(raw, name, 0) }
    }

    func removeDirectory(_ name: UnsafePointer<CChar>) throws(Errno) {
        let raw = raw
        try systemCall { unlinkat(raw, name, AT_REMOVEDIR) }
    }

    /// Moves `name` to `newName` in `other`, over what stands there. The corresponding C function is `renameat`.
    func rename(
        _ name: UnsafePointer<CChar>, to newName: UnsafePointer<CChar>, in other: Directory
    ) throws(Errno) {
        let (from, to) = (raw, other.raw)
        try systemCall { renameat(from, name, to, newName) }
    }

    func rename(_ name: UnsafePointer<CChar>, to newName: UnsafePointer<CChar>) throws(Errno) {
        let raw = raw
        try systemCall { renameat(raw, name, raw, newName) }
    }

    /// Swaps `name` and `otherName` in `other`, both of which are there, at one instant. The corresponding C function is
    /// `renameat2` with RENAME_EXCHANGE.
    ///
    /// - Throws: `.invalidArgument` and others where the file system or the kernel cannot do that.
    func exchange(
        _ name: UnsafePointer<CChar>, with otherName: UnsafePointer<CChar>, in other: Directory
    ) throws(Errno) {
        let (from, to) = (raw, other.raw)
        try systemCall { ss_exchange(from, name, to, otherName) }
    }

    /// Sets the mode bits of a file or directory, never through a link. The corresponding C function is `fchmodat`.
    func setMode(of name: UnsafePointer<CChar>, to mode: UInt16) throws(Errno) {
        let raw = raw
        do { try systemCall { fchmodat(raw, name, mode_t(mode), AT_SYMLINK_NOFOLLOW) } } catch {
            // The C library goes through /proc, which not every sandbox has. Linux 6.6 has a call for it.
            guard [.notSupported, .noFunction, .notPermitted, .noSuchFileOrDirectory].contains(error),
                let kind = try? status(of: name).kind, kind == .file || kind == .directory
            else { throw error }
            if (try? systemCall { ss_set_mode(raw, name, UInt32(mode)) }) != nil { return }
            guard let file = try? openFile(name, O_RDONLY | O_NONBLOCK | (kind == .directory ? O_DIRECTORY : 0)) else {
                throw error
            }
            defer { try? file.close() }
            try file.setMode(mode)
        }
    }

    /// Sets the modification time of an entry, of a link itself.
    func setModified(of name: UnsafePointer<CChar>, to time: Timestamp) throws(Errno) {
        let raw = raw
        try time.asModificationAlone { (times) throws(Errno) in
            try systemCall { utimensat(raw, name, times, AT_SYMLINK_NOFOLLOW) }
        }
    }

    func setOwner(of name: UnsafePointer<CChar>, to owner: UInt32, group: UInt32) throws(Errno) {
        let raw = raw
        try systemCall { fchownat(raw, name, owner, group, AT_SYMLINK_NOFOLLOW) }
    }

    /// Makes what happened in this directory durable.
    func synchronize() throws(Errno) {
        let raw = raw
        do { try systemCall { fsync(raw) } } catch {
            // Some file systems have the call for files alone.
            guard error == .invalidArgument else { throw error }
            try synchronizeFileSystem()
        }
    }

    /// Makes the whole file system below this directory durable. The corresponding C function is `syncfs`.
    func synchronizeFileSystem() throws(Errno) {
        let raw = raw
        do { try systemCall { ss_syncfs(raw) } } catch {
            guard error == .noFunction || error == .notPermitted else { throw error }
            // A sandbox that forbids the call for one file system; the one for all is older, and has no error.
            Glibc.sync()
        }
    }

    /// The same where nothing stands at the new name; throws `.fileExists` otherwise. The corresponding C function is
    /// `renameat2`.
    func renameExclusively(_ name: UnsafePointer<CChar>, to newName: UnsafePointer<CChar>, in other: Directory)
        throws(Errno)
    {
        let (from, to) = (raw, other.raw)
        do { try systemCall { ss_rename_exclusively(from, name, to, newName) } } catch {
            guard [.invalidArgument, .noFunction, .notPermitted].contains(error) else { throw error }
            // A file system, or a sandbox, that cannot: a second name is as exclusive.
            try other.makeHardLink(newName, to: name, in: self)
            try remove(name)
        }
    }
}
