// A release in the obvious form, a dictionary from paths to nodes with their content: made at random, written to
// a folder, and read back from one in the plainest way, as the measure of what staging makes.

import Glibc
import SystemPackage

@testable import SlotSync

struct ReleaseModel: Equatable {
    struct Node: Equatable {
        enum Kind: Equatable {
            case directory
            case file([UInt8])
            case link(String)
        }
        var kind: Kind
        var mode: UInt16
        var modified: Timestamp
    }

    /// The root is "".
    var nodes: [String: Node] = [:]
    /// Paths of one file, sorted; only groups of two and more.
    var linkGroups: Set<[String]> = []
}

extension ReleaseModel {
    private static let names = ["a", "b", "main.3f2a.js", "main.99aa.js", "lib-1.2", "lib-1.3", "-x", "ä\n"]
    private static let fileModes: [UInt16] = [0o644, 0o600, 0o755, 0o4711]
    private static let folderModes: [UInt16] = [0o755, 0o700, 0o2775, 0o1777]

    /// - Parameter contents: what files hold; few, so that one content stands at many paths.
    static func random(
        contents: [[UInt8]], hardLinks: Bool = false, using random: inout SeededGenerator
    ) -> ReleaseModel {
        var model = ReleaseModel()
        model.nodes[""] = Node(kind: .directory, mode: 0o755, modified: time(&random))
        model.fill("", levels: 3, contents, &random)
        if hardLinks { model.linkAtRandom(&random) }
        return model
    }

    private static func time(_ random: inout SeededGenerator) -> Timestamp {
        Timestamp(
            seconds: .random(in: -1_000_000_000...4_000_000_000, using: &random),
            nanoseconds: .random(in: 0...999_999_999, using: &random))
    }

    private mutating func fill(
        _ folder: String, levels: Int, _ contents: [[UInt8]], _ random: inout SeededGenerator
    ) {
        for name in Self.names where random.below(2) == 0 {
            let path = folder.isEmpty ? name : "\(folder)/\(name)"
            let modified = Self.time(&random)
            switch random.below(levels > 0 ? 7 : 4) {
            case 0...2:
                let content = contents[random.below(contents.count)]
                nodes[path] = Node(
                    kind: .file(content), mode: Self.fileModes[random.below(4)], modified: modified)
            case 3:
                // One link in two leads out of the slot.
                let text = random.below(2) == 0 ? "../outside" : "a"
                nodes[path] = Node(kind: .link(text), mode: 0o777, modified: modified)
            default:
                nodes[path] = Node(kind: .directory, mode: Self.folderModes[random.below(4)], modified: modified)
                fill(path, levels: levels - 1, contents, &random)
            }
        }
    }

    private mutating func linkAtRandom(_ random: inout SeededGenerator) {
        var files = nodes.keys.filter { if case .file = nodes[$0]?.kind { true } else { false } }.sorted()
        files.shuffle(using: &random)
        while files.count >= 3, random.below(4) > 0 {
            let group = Array(files.suffix(2 + random.below(2))).sorted()
            files.removeLast(group.count)
            for path in group { nodes[path] = nodes[group[0]] }
            linkGroups.insert(group)
        }
    }
}

extension ReleaseModel {
    /// Makes the tree in an empty folder.
    func write(to path: FilePath) throws {
        let root = try Directory(path: path)
        let followers = Set(linkGroups.flatMap { $0.dropFirst() })
        for (path, node) in nodes.sorted(by: { $0.key < $1.key }) where !path.isEmpty && !followers.contains(path) {
            let (folder, name) = try Self.place(path, in: root)
            switch node.kind {
            case .directory: try folder.makeDirectory(name)
            case .link(let text):
                try folder.makeSymbolicLink(name, to: text)
                try folder.setModified(of: name, to: node.modified)
            case .file(let content):
                let file = try folder.openFile(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
                try file.closeAfter {
                    try content.withUnsafeBytes { try file.writeFully($0) }
                    try file.setMode(node.mode)
                    try file.setModified(node.modified)
                }
            }
        }
        for group in linkGroups {
            let (leader, leaderName) = try Self.place(group[0], in: root)
            for path in group.dropFirst() {
                let (folder, name) = try Self.place(path, in: root)
                try folder.makeHardLink(name, to: leaderName, in: leader)
            }
        }
        for (path, node) in nodes.sorted(by: { $0.key > $1.key }) where node.kind == .directory {
            let folder = try root.openDirectory(beneath: Self.components(path))
            try folder.descriptor.setMode(node.mode)
            try folder.descriptor.setModified(node.modified)
        }
    }

    private static func components(_ path: String) -> [ArraySlice<UInt8>] {
        Array(path.utf8).split(separator: UInt8(ascii: "/"))
    }

    private static func place(_ path: String, in root: Directory) throws -> (Directory, String) {
        let components = components(path)
        return (
            try root.openDirectory(beneath: components.dropLast()),
            String(decoding: components.last ?? [], as: UTF8.self)
        )
    }

    /// Reads a tree, entry by entry.
    init(reading path: FilePath) throws {
        var names: [FileIdentity: [String]] = [:]
        try read(try Directory(path: path), "", &names)
        linkGroups = Set(names.values.filter { $0.count > 1 }.map { $0.sorted() })
    }

    private mutating func read(
        _ folder: Directory, _ path: String, _ names: inout [FileIdentity: [String]]
    ) throws {
        let status = try folder.status()
        nodes[path] = Node(kind: .directory, mode: status.mode, modified: status.modified)
        var children: [String] = []
        try folder.forEachName { children.append(String(decoding: $0, as: UTF8.self)) }
        for name in children {
            let childPath = path.isEmpty ? name : "\(path)/\(name)"
            let status = try folder.status(of: name)
            var node = Node(kind: .directory, mode: status.mode, modified: status.modified)
            switch status.kind {
            case .directory:
                try read(folder.openDirectory(name), childPath, &names)
                continue
            case .symbolicLink:
                node.mode = 0o777
                node.kind = .link(String(decoding: try folder.readLink(name), as: UTF8.self))
            default:
                node.kind = .file(try folder.contents(of: name, atMost: 64 << 20) ?? [])
                names[FileIdentity(status), default: []].append(childPath)
            }
            nodes[childPath] = node
        }
    }

    /// Where two trees differ, for the message of a test that failed.
    func differences(from other: ReleaseModel) -> [String] {
        Set(nodes.keys).union(other.nodes.keys).sorted().filter { nodes[$0] != other.nodes[$0] }.map { path in
            "\(path): \(Self.short(nodes[path])) in place of \(Self.short(other.nodes[path]))"
        } + (linkGroups == other.linkGroups ? [] : ["links: \(linkGroups) in place of \(other.linkGroups)"])
    }

    private static func short(_ node: Node?) -> String {
        guard let node else { return "nothing" }
        guard case .file(let content) = node.kind else { return "\(node)" }
        return "file of \(content.count), \(ContentDigest(of: content)), mode \(node.mode), \(node.modified)"
    }
}
