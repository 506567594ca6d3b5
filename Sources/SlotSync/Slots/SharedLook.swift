// What stands at a path below `shared`, and why nothing can be put there: a link, a mount, somebody else's folder. SharedPlanner
// plans by it.

import Glibc
import SystemPackage

extension SharedFolder {
    enum Found {
        /// Nothing is there, and this folder is the last one on the way that is.
        case missing(below: Directory, [ArraySlice<UInt8>])
        case file, folder, other
        /// And what it leads to.
        case link(FileStatus.Kind?)
        /// What is in the way.
        case outOfReach(String)
    }

    func look(at components: [ArraySlice<UInt8>]) -> Found {
        var folder = top
        for (level, name) in components.enumerated() {
            let path = Array(components[...level])
            let status: FileStatus
            do { status = try folder.status(of: cName(name)) } catch {
                if error == .noSuchFileOrDirectory { return .missing(below: folder, Array(components[..<level])) }
                return .outOfReach(reason(error, path, nil))
            }
            if level == components.count - 1 {
                switch status.kind {
                case .file: return .file
                case .directory: return .folder
                case .symbolicLink: return .link(try? folder.followed(cName(name)).kind)
                case .other: return .other
                }
            }
            do { folder = try folder.openDirectory(cName(name)) } catch {
                return .outOfReach(reason(error, path, status))
            }
        }
        return .folder
    }

    /// Why a folder below `shared` cannot be opened, or cannot be written.
    func reason(_ error: Errno, _ components: [ArraySlice<UInt8>], _ status: FileStatus?) -> String {
        let path = quoted(shown(components))
        switch error {
        case .improperLink: return "\(path) is a mount"
        case .readOnlyFileSystem: return "\(path) is on a file system that can only be read"
        case .permissionDenied, .notPermitted:
            let owner = status.map { userName(of: $0.owner) } ?? "another user"
            return
                "\(path) belongs to \(owner), and the agent, which runs as \(userName(of: geteuid())), may not write there"
        case _ where status?.kind == .symbolicLink: return "\(path) is a link, which SlotSync does not follow"
        case _ where error.isFromReplacedEntry: return "\(path) is no folder"
        default: return "\(path) cannot be opened (\(error))"
        }
    }

    /// What to do about a folder of another user's.
    func remedy(_ error: Errno, _ components: [ArraySlice<UInt8>]) -> String {
        guard error == .permissionDenied || error == .notPermitted else { return "" }
        return ": put it there yourself, or let the agent write there (setfacl -m u:\(accountName(of: geteuid())):rwx "
            + "\(ShellWords.quoted(shown(components))))"
    }

    func look(atFolder components: [ArraySlice<UInt8>]) throws -> FileStatus? {
        guard let name = components.last else { return try top.status() }
        return try top.openDirectory(beneath: Array(components.dropLast())).status(of: cName(name))
    }

    func writeError(_ folder: Directory) -> Errno? {
        do { try folder.checkWritable() } catch { return error }
        return nil
    }
}
