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

extension Directory {
    /// Removes `name` and all that is below it.
    func removeTree(_ name: UnsafePointer<CChar>) throws(TreeRemovalFailure) {
        // A stack in place of recursion: the tree may be deeper than the thread's stack.
        var path: [[CChar]] = [Array(UnsafeBufferPointer(start: name, count: strlen(name) + 1))]
        func components(_ path: some Sequence<[CChar]>) -> [ArraySlice<UInt8>] {
            path.map { component in component.dropLast().map(UInt8.init(bitPattern:))[...] }
        }
        func failing<T>(at below: [CChar]?, _ step: () throws(Errno) -> T) throws(TreeRemovalFailure) -> T {
            do { return try step() } catch {
                let all = components(path + (below.map { [$0] } ?? []))
                throw TreeRemovalFailure(path: Array(all.joined(separator: [UInt8(ascii: "/")])), errno: error)
            }
        }
        var top = self
        if !staysOnMount {
            top = try failing(at: nil) { () throws(Errno) in
                Directory(owning: try openFile(".", O_RDONLY | O_DIRECTORY), staysOnMount: true)
            }
        }
        if try failing(at: nil, { () throws(Errno) in try top.removeEntry(name) }) { return }
        walk: while let last = path.last {
            let directory = try failing(at: nil) { () throws(Errno) in
                try top.openDirectory(beneath: components(path.dropLast())).openDirectory(last)
            }
            let names = try failing(at: nil) { () throws(Errno) in try directory.nameBytes() }
            for name in names where try !failing(at: name, { () throws(Errno) in try directory.removeEntry(name) }) {
                path.append(name)
                continue walk
            }
            try failing(at: nil) { () throws(Errno) in
                try top.openDirectory(beneath: components(path.dropLast())).removeDirectory(last)
            }
            path.removeLast()
        }
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
