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
    let sentence = "cannot \(what) \(quoted(path))"
    switch error {
    case .noSpace: return fullFailure(sentence, at: path)
    case .diskQuotaExceeded:
        return SlotSyncError(
            .diskFull,
            sentence + ": the disk quota of \(userName(of: geteuid())), or of the folder's project, is used up",
            errno: error)
    default: return SlotSyncError(.system, sentence, errno: error)
    }
}

/// What a full file system did not let be done: with whether it has no blocks or no inodes left, which the error does not say.
///
/// - Parameter path: what was to be made or written.
func fullFailure(_ sentence: String, at path: String) -> SlotSyncError {
    var folder = FilePath(path)
    var space: FileSystemSpace?
    // What was to be made is not there.
    while space == nil, !folder.isEmpty {
        space = (try? Directory(path: folder)).flatMap { try? FileSystemSpace(of: $0.descriptor) }
        guard folder.removeLastComponent() else { break }
    }
    return SlotSyncError(
        .diskFull, "\(sentence): \(space?.lack ?? "the disk is full"), on the file system of \(quoted(path))",
        errno: .noSpace)
}

/// What was not done, and what has to be mended before it can be: a full disk, one that can only be read, and what nobody
/// may change. Nil: the error is another one.
///
/// - Parameters:
///   - path: what was to be changed.
///   - places: what may be immutable.
///   - then: what there is to do afterwards.
func standingFailure(
    _ sentence: String, at path: String, _ error: Errno, _ places: [(status: MoreStatus?, path: String)], then: String
) -> SlotSyncError? {
    let remedy: String
    switch error {
    case .noSpace:
        var full = fullFailure(sentence, at: path)
        full.message += then
        return full
    case .readOnlyFileSystem:
        remedy =
            "it is on a file system that can only be read. Make that writable (mount -o remount,rw), and look into the kernel's "
            + "log, since a damaged disk is mounted so"
    case .notPermitted:
        guard let fixed = places.first(where: { $0.status?.isImmutable == true })?.path else { return nil }
        remedy =
            "\(quoted(fixed)) may not be changed by anybody. Allow it (chattr -i -a \(ShellWords.quoted(fixed)))"
    default: return nil
    }
    return SlotSyncError(.system, "\(sentence): \(remedy)\(then)", errno: error)
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
