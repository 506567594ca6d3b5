// Removes a tree of any depth and with any modes, and stops where something is mounted: no removal crosses a mount. Who
// removes says first what it is; what fails is told with its own path.

import Glibc
import SystemPackage

/// An entry that could not be removed.
struct TreeRemovalFailure: Error {
    /// Relative to the directory that the removal began in.
    var path: [UInt8]
    var errno: Errno
}

/// A folder on the way down: what of it is left to be removed.
private struct Level {
    var name: [CChar]
    var identity: FileIdentity
    var left: [[CChar]]
    /// How often it was found to hold more when it should have been empty.
    var surprises = 0

    /// Others who put something in while it is removed do not hold it up for ever.
    static let mostSurprises = 3
}

extension Directory {
    /// Removes `name` and all that is below it. Two directories are open at a time, whatever the depth, and each is read once.
    func removeTree(_ name: UnsafePointer<CChar>) throws(TreeRemovalFailure) {
        // A stack in place of recursion: the tree may be deeper than the thread's stack.
        var path: [Level] = []
        func failing<T>(at below: [CChar], _ step: () throws(Errno) -> T) throws(TreeRemovalFailure) -> T {
            do { return try step() } catch {
                let all = (path.map(\.name) + [below]).map { $0.dropLast().map(UInt8.init(bitPattern:)) }
                throw TreeRemovalFailure(path: Array(all.joined(separator: [UInt8(ascii: "/")])), errno: error)
            }
        }
        let first = Array(UnsafeBufferPointer(start: name, count: strlen(name) + 1))
        var top = self
        if !staysOnMount {
            top = try failing(at: first) { () throws(Errno) in
                Directory(owning: try openFile(".", O_RDONLY | O_DIRECTORY), staysOnMount: true)
            }
        }
        var directory = top
        func enter(_ name: [CChar], surprises: Int = 0) throws(TreeRemovalFailure) {
            let (opened, level) = try failing(at: name) { () throws(Errno) in
                let opened = try directory.openDirectory(name)
                return (
                    opened,
                    Level(
                        name: name, identity: FileIdentity(try opened.status()), left: try opened.nameBytes(),
                        surprises: surprises)
                )
            }
            path.append(level)
            directory = opened
        }
        if try failing(at: first, { () throws(Errno) in try top.removeEntry(first) }) { return }
        try enter(first)
        while !path.isEmpty {
            if let next = path[path.count - 1].left.popLast() {
                if try !failing(at: next, { () throws(Errno) in try directory.removeEntry(next) }) { try enter(next) }
                continue
            }
            let done = path.removeLast()
            directory = try failing(at: done.name) { () throws(Errno) in try top.directory(above: directory, path) }
            let isGone = try failing(at: done.name) { () throws(Errno) in
                do throws(Errno) { try directory.removeDirectory(done.name) } catch {
                    guard error == .directoryNotEmpty || error == .fileExists, done.surprises < Level.mostSurprises
                    else { throw error }
                    return false
                }
                return true
            }
            if !isGone { try enter(done.name, surprises: done.surprises + 1) }
        }
    }

    /// The directory around one, which a path from here leads to: by its `..`, unless somebody moved it meanwhile.
    private func directory(above directory: Directory, _ path: [Level]) throws(Errno) -> Directory {
        guard let last = path.last else { return self }
        if let raw = try? directory.openFile("..", O_RDONLY | O_DIRECTORY) {
            let above = Directory(owning: raw, staysOnMount: true)
            if let status = try? above.status(), FileIdentity(status) == last.identity { return above }
        }
        return try openDirectory(beneath: path.map { $0.name.dropLast().map(UInt8.init(bitPattern:))[...] })
    }

    /// The names in this directory, which was just opened, NUL-terminated.
    private func nameBytes() throws(Errno) -> [[CChar]] {
        var names: [[CChar]] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 32 << 10, alignment: 16)
        defer { buffer.deallocate() }
        try readNames(through: buffer) { name in names.append(name.map { CChar(bitPattern: $0) } + [0]) }
        return names
    }

    /// Removes what is no directory, and empty directories.
    ///
    /// - Returns: whether `name` is gone; a directory that stays can be read and written afterwards.
    private func removeEntry(_ name: UnsafePointer<CChar>) throws(Errno) -> Bool {
        let status: FileStatus
        do { status = try self.status(of: name) } catch {
            if error == .noSuchFileOrDirectory { return true }
            throw error
        }
        guard status.kind == .directory else {
            try remove(name)
            return true
        }
        do { try removeDirectory(name) } catch {
            // EBUSY: something is mounted there, and its modes are none of ours.
            guard error == .directoryNotEmpty || error == .fileExists else { throw error }
            if status.mode & 0o700 != 0o700 { try setMode(of: name, to: 0o700) }
            return false
        }
        return true
    }
}
