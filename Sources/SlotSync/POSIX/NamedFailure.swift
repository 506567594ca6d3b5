// Says of a system's error what was tried, and on which path: whoever reads an error on another machine has nothing
// else to go by. What touches a host's files outside of a slot goes through here; StageSlot has the same for a slot.

import Glibc
import SystemPackage

/// Takes a step; an error of the system becomes one with a sentence: `cannot make "/srv/www/shared": …`.
func naming<T>(_ what: String, _ path: @autoclosure () -> String, _ step: () throws -> T) throws -> T {
    do { return try step() } catch let error as Errno { throw failure(to: what, path(), error) }
}

/// An error of the system with what was tried, and on which path.
func failure(to what: String, _ path: String, _ error: Errno) -> SlotSyncError {
    let isFull = error == .noSpace || error == .diskQuotaExceeded
    let quota =
        error == .diskQuotaExceeded
        ? ": the disk quota of \(userName(of: geteuid())), or of the folder's project, is used up" : ""
    return SlotSyncError(isFull ? .diskFull : .system, "cannot \(what) \(quoted(path))\(quota)", errno: error)
}

/// What another user owns and this process may not do something with: whose it is, and the remedy.
func failure(to what: String, _ path: String, of owner: UInt32?, _ error: Errno) -> SlotSyncError {
    guard error == .permissionDenied || error == .notPermitted, let owner, owner != geteuid() else {
        return failure(to: what, path, error)
    }
    return SlotSyncError(
        .system,
        "cannot \(what) \(quoted(path)), which belongs to \(userName(of: owner)), as \(userName(of: geteuid())): "
            + "chown -R \(accountName(of: geteuid())) \(ShellWords.quoted(path)), or move it away", errno: error)
}

extension Directory {
    /// Where this directory is, as /proc tells; nil where it does not.
    var ownPath: [UInt8]? {
        guard
            let path = try? Directory(path: "/proc/self/fd").readLink("\(descriptor.rawValue)"),
            path.first == UInt8(ascii: "/")
        else { return nil }
        return path
    }

    /// Where `name` is, for messages: the whole path as far as /proc tells.
    func shownPath(of name: String = "") -> String {
        guard let path = ownPath else { return name }
        let text = String(decoding: path, as: UTF8.self)
        return name.isEmpty ? text : text == "/" ? "/\(name)" : "\(text)/\(name)"
    }
}
