// Reads a small file that decides what others may do here: an agent's policy, the keys of signatures. It is believed only
// where nobody else could have put or changed it, as sshd has it with authorized_keys.

import Glibc
import SystemPackage

/// A file that is believed, and how much of it may be read.
struct TrustedFile {
    let path: String
    /// In bytes.
    let bound: Int
    /// The file's purpose, for errors.
    let what: String

    /// The file's bytes.
    ///
    /// No link is followed, in the folders above neither. The file and each of these folders belong to root or to this
    /// process's user, and nobody else may write to them; a folder that anybody may write to is one where only owners
    /// rename, as in `/tmp`.
    ///
    /// - Throws: ``SlotSyncError``: `badInput` for a path that is not absolute, `refused` for a file that others may have
    ///   changed, `system` for one that cannot be read.
    func contents() throws(SlotSyncError) -> [UInt8] {
        let names = path.split(separator: "/").map(String.init)
        guard path.utf8.first == UInt8(ascii: "/"), let last = names.last, !path.utf8.contains(0),
            path.utf8.last != UInt8(ascii: "/"), !names.contains("."), !names.contains("..")
        else {
            throw SlotSyncError(
                .badInput,
                "\(what) \(quoted(path)): name it by its whole path, from / on, without \".\" and \"..\"")
        }
        var place = "/"
        var folder = try at(place) { () throws(Errno) in try Directory(path: "/") }
        try check(at(place, folder.status), place)
        for name in names.dropLast() {
            place += (place == "/" ? "" : "/") + name
            let parent = folder
            folder = try at(place) { () throws(Errno) in try parent.openDirectory(name) }
            try check(at(place, folder.status), place)
        }
        let parent = folder
        let file = try at(path) { () throws(Errno) in try parent.openFile(last, O_RDONLY | O_NONBLOCK | O_NOCTTY) }
        defer { try? file.close() }
        let status = try at(path, file.status)
        guard status.kind == .file else {
            throw SlotSyncError(.refused, "\(what) \(quoted(path)) is no regular file")
        }
        try check(status, path)
        var bytes = [UInt8](repeating: 0, count: bound + 1)
        let count = try at(path) { () throws(Errno) -> Int in
            try bytes.withUnsafeMutableBufferPointer { (buffer) throws(Errno) -> Int in
                try file.readFully(at: 0, into: UnsafeMutableRawBufferPointer(buffer))
            }
        }
        guard count <= bound else {
            throw SlotSyncError(
                .refused, "\(what) \(quoted(path)) is larger than \(bound) bytes: is it the right file?")
        }
        return Array(bytes[..<count])
    }

    private func at<Found>(_ place: String, _ step: () throws(Errno) -> Found) throws(SlotSyncError) -> Found {
        do throws(Errno) { return try step() } catch {
            guard error == .tooManySymbolicLinkLevels || error == .notDirectory else {
                throw SlotSyncError(.system, "\(what) \(quoted(path)): cannot read \(quoted(place))", errno: error)
            }
            throw SlotSyncError(
                .refused,
                "\(what) \(quoted(path)) is not read: \(quoted(place)) is a link, or no folder. Name the path that it leads to"
            )
        }
    }

    private func check(_ status: FileStatus, _ place: String) throws(SlotSyncError) {
        let isOurs = status.owner == 0 || status.owner == geteuid()
        let isSticky = status.kind == .directory && status.mode & 0o1000 != 0
        guard !isOurs || (status.mode & 0o022 != 0 && !isSticky) else { return }
        let why =
            isOurs
            ? "others than its owner may write to \(quoted(place))"
            : "\(quoted(place)) belongs to \(userName(of: status.owner))"
        throw SlotSyncError(
            .refused,
            "\(what) \(quoted(path)) is not believed, since \(why): let it belong to root, and nobody else write to it (chown "
                + "root, chmod go-w)")
    }
}
