// A folder for one benchmark, on a tmpfs: what is measured is the programs' work, not a disk's.

import Glibc
import SystemPackage

@testable import SlotSync

struct MemoryFolder {
    let path: FilePath

    init() throws {
        let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array("\(parent)/slotsync-benchmark-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
        path = FilePath(platformString: template)
    }

    func remove() { try? Directory(path: path.removingLastComponent()).removeTree(path.lastComponent?.string ?? "") }

    /// A file that is open for reading and writing, at its beginning.
    func file(_ name: String, _ bytes: [UInt8] = []) throws -> NamedDescriptor {
        let file = try FileDescriptor.open(
            path.appending(name), .readWrite, options: [.create, .truncate], permissions: .ownerReadWrite)
        try file.writeAll(bytes)
        try file.seek(offset: 0, from: .start)
        return NamedDescriptor(file, name: name)
    }

    /// So many directories with so many files in each, all of one length, no two alike.
    func makeTree(directories: Int, filesEach: Int, length: Int) throws {
        let bytes = pseudoRandomBytes(length + filesEach * directories, seed: 4)
        for directory in 0..<directories {
            let name = "folder-\(1000 + directory)"
            try Directory(path: path).makeDirectory(name, mode: 0o755)
            for number in 0..<filesEach {
                let start = directory * filesEach + number
                let content = Array(bytes[start..<start + length])
                try file("\(name)/file-\(1000 + number).js", content).descriptor.close()
            }
        }
    }

    /// Such a tree, walked and hashed.
    func release(directories: Int, filesEach: Int, length: Int) throws -> ReleaseSource {
        try makeTree(directories: directories, filesEach: filesEach, length: length)
        let root = try Directory(path: path)
        var tree = try TreeWalk.walk(root, name: "a release", options: WalkOptions(parallelism: 1))
        try TreeHashing.hash(&tree, root: root, name: "a release", known: { _, _ in nil }, parallelism: 1)
        return ReleaseSource(root: root, name: "a release", manifest: tree.manifest)
    }
}
