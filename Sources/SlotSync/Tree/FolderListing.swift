// One directory as the walk found it: its names, sorted, their statuses and link texts, held together
// in two arrays. TreeWalk reads one for each directory, in any order, and puts the manifest together
// from them.

import Glibc
import SystemPackage

/// What was read of one directory, at a moment when nothing in its list of names changed.
struct FolderListing: Sendable {
    struct Item: Sendable {
        var nameStart: UInt32
        var nameLength: UInt16
        /// A link's text; empty for what is no link.
        var linkStart: UInt32 = 0
        var linkLength: UInt32 = 0
        var status: FileStatus
    }

    /// The directory's own status.
    private(set) var status: FileStatus
    /// In the order of the bytes of their names.
    private(set) var items: [Item] = []
    /// The names, each with a NUL behind it, and the link texts.
    private var text: [UInt8] = []

    func name(of item: Int) -> ArraySlice<UInt8> {
        let start = Int(items[item].nameStart)
        return text[start..<start + Int(items[item].nameLength)]
    }

    func linkText(of item: Int) -> ArraySlice<UInt8> {
        let start = Int(items[item].linkStart)
        return text[start..<start + Int(items[item].linkLength)]
    }

    /// Calls `body` with an item's name as a C string.
    func withName<T>(of item: Int, _ body: (UnsafePointer<CChar>) throws(Errno) -> T) throws(Errno) -> T {
        try withText(at: Int(items[item].nameStart), body)
    }

    private func withText<T>(
        at start: Int, _ body: (UnsafePointer<CChar>) throws(Errno) -> T
    ) throws(Errno) -> T {
        precondition(start < text.count)
        return try text.withUnsafeBufferPointer { (buffer) throws(Errno) -> T in
            try body(UnsafeRawPointer(buffer.baseAddress! + start).assumingMemoryBound(to: CChar.self))
        }
    }

    /// Working memory of one thread that reads directories.
    struct Workspace: ~Copyable {
        fileprivate let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        fileprivate var names: [Name] = []
        fileprivate var path: [UInt8] = []
        deinit { buffer.deallocate() }
    }

    fileprivate struct Name {
        var start: UInt32
        var length: UInt16
    }

    /// A directory in which nothing is looked at.
    init(empty status: FileStatus) { self.status = status }

    /// Reads a directory whose descriptor stands at its beginning.
    ///
    /// - Parameters:
    ///   - status: the directory's status from before.
    ///   - path: the directory's path, which exclusions are asked about; not used if there are none.
    ///   - use: notes which exclusions match.
    /// - Returns: nil if the directory changed meanwhile.
    init?(
        of directory: Directory, status before: FileStatus, path: [UInt8], exclusions: Exclusions,
        notedBy use: ExclusionUse? = nil, in workspace: inout Workspace
    ) throws(Errno) {
        status = before
        try Self.readNames(of: directory, into: &workspace.names, &text, through: workspace.buffer)
        items.reserveCapacity(workspace.names.count)
        for index in workspace.names.indices {
            switch try look(at: workspace.names[index], in: directory, path, exclusions, use, &workspace) {
            case .item(let item): items.append(item)
            case .excluded: continue
            case .gone: return nil
            }
        }
        status = try directory.status()
        guard StatTuple(status) == StatTuple(before) else { return nil }
    }

    private static func readNames(
        of directory: Directory, into names: inout [Name], _ text: inout [UInt8],
        through buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) {
        names.removeAll(keepingCapacity: true)
        try directory.readNames(through: buffer) { name in
            names.append(Name(start: UInt32(text.count), length: UInt16(name.count)))
            text.append(contentsOf: name)
            text.append(0)
        }
        sort(&names, in: text)
    }

    /// What stands under a name.
    private enum Look {
        case item(Item)
        case excluded
        /// Removed or replaced since the name was read.
        case gone
    }

    private mutating func look(
        at name: Name, in directory: Directory, _ path: [UInt8], _ exclusions: Exclusions,
        _ use: ExclusionUse?, _ workspace: inout Workspace
    ) throws(Errno) -> Look {
        let start = Int(name.start)
        let status: FileStatus
        do {
            status = try withText(at: start) { (name) throws(Errno) in try directory.status(of: name) }
        } catch {
            if error == .noSuchFileOrDirectory { return .gone }
            throw error
        }
        if !exclusions.isEmpty {
            workspace.path.removeAll(keepingCapacity: true)
            workspace.path += path
            if !path.isEmpty { workspace.path.append(UInt8(ascii: "/")) }
            workspace.path += text[start..<start + Int(name.length)]
            use?.note(workspace.path.span, isDirectory: status.kind == .directory)
            if exclusions.excludes(path: workspace.path, isDirectory: status.kind == .directory) { return .excluded }
        }
        var item = Item(nameStart: name.start, nameLength: name.length, status: status)
        guard status.kind == .symbolicLink else { return .item(item) }
        let buffer = workspace.buffer
        let length: Int
        do {
            length = try withText(at: start) { (name) throws(Errno) in try directory.readLink(name, into: buffer) }
        } catch {
            // The latter says that it is no link any more.
            if error == .noSuchFileOrDirectory || error == .invalidArgument { return .gone }
            throw error
        }
        item.linkStart = UInt32(text.count)
        item.linkLength = UInt32(length)
        text.append(contentsOf: buffer[..<length])
        return .item(item)
    }

    private static func sort(_ names: inout [Name], in text: [UInt8]) {
        text.withUnsafeBufferPointer { text in
            guard let base = text.baseAddress else { return }
            names.sort { left, right in
                let common = Int(min(left.length, right.length))
                let order = memcmp(base + Int(left.start), base + Int(right.start), common)
                return order != 0 ? order < 0 : left.length < right.length
            }
        }
    }
}
