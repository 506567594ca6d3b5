// A real tree in the temporary folder, made entry by entry and removed at the end. Names are bytes.

import Foundation
import SystemPackage

@testable import SlotSync

final class TemporaryTree: Sendable {
    let path: FilePath
    let root: Directory

    init() throws {
        let folder = getenv("TMPDIR").map { FilePath(platformString: $0) } ?? "/tmp"
        var template = Array(folder.appending("slotsync-tree.XXXXXX").string.utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
        path = FilePath(platformString: template)
        root = try Directory(path: path)
    }

    deinit {
        let remove = Process()
        remove.executableURL = URL(fileURLWithPath: "/bin/rm")
        remove.arguments = ["-rf", path.string]
        try? remove.run()
        remove.waitUntilExit()
    }

    /// The folder at `path`, made with all above it.
    @discardableResult
    func folder(_ path: [UInt8], mode: UInt16? = nil) throws -> Directory {
        var directory = try root.duplicate()
        for component in path.split(separator: UInt8(ascii: "/")) {
            let name = component.map { CChar(bitPattern: $0) } + [0]
            directory = try enter(name, in: directory)
        }
        if let mode { try directory.descriptor.setMode(mode) }
        return directory
    }

    private func enter(_ name: [CChar], in directory: Directory) throws -> Directory {
        if mkdirat(directory.descriptor.rawValue, name, 0o755) != 0, errno != EEXIST { throw Errno(rawValue: errno) }
        return try directory.openDirectory(name)
    }

    @discardableResult
    func folder(_ path: String, mode: UInt16? = nil) throws -> Directory { try folder(Array(path.utf8), mode: mode) }

    /// The folder of an entry that is to be made, and the entry's name there.
    private func place(_ path: [UInt8]) throws -> (Directory, [CChar]) {
        var components = path.split(separator: UInt8(ascii: "/"))
        let name = components.removeLast().map { CChar(bitPattern: $0) } + [0]
        return (try folder(Array(components.joined(separator: [UInt8(ascii: "/")]))), name)
    }

    func file(_ path: [UInt8], _ content: [UInt8] = [], mode: UInt16 = 0o644) throws {
        let (folder, name) = try place(path)
        let file = try folder.openFile(name, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
        try file.closeAfter {
            try content.withUnsafeBytes { try file.writeFully($0) }
            try file.setMode(mode)
        }
    }

    func file(_ path: String, _ content: String = "", mode: UInt16 = 0o644) throws {
        try file(Array(path.utf8), Array(content.utf8), mode: mode)
    }

    /// A file with a hole up to `offset`, then `content`, then a hole up to `size`.
    func sparse(_ path: String, size: Int64, _ content: [UInt8], at offset: Int64) throws {
        let (folder, name) = try place(Array(path.utf8))
        let file = try folder.openFile(name, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
        try file.closeAfter {
            try file.setLength(size)
            try content.withUnsafeBytes { try file.writeFully($0, at: offset) }
        }
    }

    func link(_ path: [UInt8], to text: [UInt8]) throws {
        let (folder, name) = try place(path)
        try folder.makeSymbolicLink(name, to: text.map { CChar(bitPattern: $0) } + [0])
    }

    func link(_ path: String, to text: String) throws { try link(Array(path.utf8), to: Array(text.utf8)) }

    func hardLink(_ path: String, to existing: String) throws {
        let (folder, name) = try place(Array(path.utf8))
        let (other, otherName) = try place(Array(existing.utf8))
        try folder.makeHardLink(name, to: otherName, in: other)
    }

    func fifo(_ path: String) throws {
        guard mkfifo(self.path.appending(path).string, 0o644) == 0 else { throw Errno(rawValue: errno) }
    }

    func remove(_ path: String) throws {
        let (folder, name) = try place(Array(path.utf8))
        try folder.removeTree(name)
    }

    func rename(_ path: String, to newPath: String) throws {
        let (folder, name) = try place(Array(path.utf8))
        let (other, newName) = try place(Array(newPath.utf8))
        try folder.rename(name, to: newName, in: other)
    }

    func walk(
        exclusions: Exclusions = Exclusions(), ownership: Bool = false, hardLinks: Bool = false, parallelism: Int = 1
    ) throws -> WalkedTree {
        let options = WalkOptions(
            exclusions: exclusions, ownership: ownership, hardLinks: hardLinks, parallelism: parallelism)
        return try TreeWalk.walk(root, name: "the tree", options: options)
    }

    /// A few hundred files and folders, of every kind, some with equal names.
    func fill(seed: UInt64 = 1) throws {
        var random = SeededGenerator(seed: seed)
        for number in 0..<300 {
            let folder = "\(Int.random(in: 0...9, using: &random))/\(Int.random(in: 0...4, using: &random))"
            let content = [UInt8](repeating: UInt8(number & 255), count: Int.random(in: 0...9000, using: &random))
            try file(Array("\(folder)/file-\(number)".utf8), content, mode: number % 3 == 0 ? 0o755 : 0o600)
            if number % 20 == 0 { try link("\(folder)/link-\(number)", to: "../file-\(number)") }
            if number % 30 == 0 { try self.folder("\(folder)/empty-\(number)", mode: 0o2750) }
        }
    }
}

extension WalkedTree {
    /// All entries' paths, but the root's, as text.
    var paths: [String] {
        manifest.entries.indices.dropFirst().map { String(decoding: manifest.path(of: $0), as: UTF8.self) }
    }

    func entry(_ path: String) -> Entry? {
        manifest.entry(at: Array(path.utf8).split(separator: UInt8(ascii: "/"))).map { manifest.entries[$0] }
    }
}
