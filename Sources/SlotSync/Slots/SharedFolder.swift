// The folder `shared` of a root: what outlives releases. Folders, files and links come into it here, never over anything.
// SharedPlanner finds out what a release lacks there, and SharedSeeding has the files.

import Glibc
import SystemPackage

/// A root's `shared`.
struct SharedFolder {
    let path: String
    let top: Directory
    private let owner: RingOwner

    /// Nil where it is no folder: a link to another file system, perhaps.
    init?(of ring: Ring) {
        guard let top = try? ring.root.openMountedDirectory("shared") else { return nil }
        self.top = top
        owner = ring.owner
        path = ring.path + "/shared"
    }

    /// The whole path of what is below, for messages.
    func shown(_ components: [ArraySlice<UInt8>]) -> String {
        guard !components.isEmpty else { return path }
        return "\(path)/\(String(decoding: Array(components.joined(separator: [UInt8(ascii: "/")])), as: UTF8.self))"
    }

    /// Names a path among those that were seeded.
    static func key(of components: [ArraySlice<UInt8>]) -> ContentDigest {
        ContentDigest(of: Array(components.joined(separator: [UInt8(ascii: "/")])))
    }

    /// Makes a folder where nothing is.
    func makeFolder(_ folder: SharedPlan.Folder, group: RingGroup?) throws {
        let (components, mode) = (folder.components, folder.mode)
        try naming("make", shown(components)) {
            guard let name = components.last.map({ cName($0) }) else { return }
            let parent = try top.openDirectory(beneath: Array(components.dropLast()))
            do { try parent.makeDirectoryUnmasked(name, mode: UInt32(mode | 0o700)) } catch {
                guard error as? Errno == .fileExists else { throw error }
                return
            }
            owner.adopt(name, in: parent)
            if let group, group.canBeSet { try parent.setOwner(of: name, to: .max, group: group.id) }
            guard !folder.attributes.isEmpty else { return }
            let made = try parent.openDirectory(name)
            try set(folder.attributes, of: made.descriptor, mode: try made.status().mode, components)
        }
    }

    private func set(
        _ attributes: ExtendedAttributes, of file: FileDescriptor, mode: UInt16, _ components: [ArraySlice<UInt8>]
    ) throws(SlotSyncError) {
        do { try file.setMode(mode, attributes: attributes) } catch { throw error.error(at: shown(components)) }
    }

    /// A file on its way into `shared`. It is made in its folder, from which it may get a group, an access list or a
    /// label, and without a name, so that nothing is left of it when the agent is killed.
    struct Arriving {
        fileprivate let parent: Directory
        /// Whether it is written under another name, where there are no files without one.
        fileprivate let isNamed: Bool
        let file: FileDescriptor
    }

    /// What a file on its way is called where there are no files without a name. The next stage removes it.
    static let unfinished = ".slotsync-seed"

    func begin(_ components: [ArraySlice<UInt8>]) throws -> Arriving {
        try naming("write", shown(components)) {
            let parent = try top.openDirectory(beneath: Array(components.dropLast()))
            if let file = try? parent.makeUnnamedFile(mode: 0o600) {
                owner.adopt(file)
                return Arriving(parent: parent, isNamed: false, file: file)
            }
            try? parent.remove(Self.unfinished)
            let file = try parent.openFile(Self.unfinished, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            owner.adopt(file)
            return Arriving(parent: parent, isNamed: true, file: file)
        }
    }

    /// Puts a file that is whole where it belongs, unless something came there meanwhile.
    ///
    /// - Parameter attributes: where there are none, those that the folder gave it stay.
    func finish(
        _ arriving: Arriving, _ components: [ArraySlice<UInt8>], as entry: Entry, _ attributes: ExtendedAttributes,
        group: RingGroup?
    ) throws {
        try naming("write", shown(components)) {
            if let group, group.canBeSet { try arriving.file.setOwner(.max, group: group.id) }
            if attributes.isEmpty {
                try arriving.file.setMode(entry.mode)
            } else {
                try set(attributes, of: arriving.file, mode: entry.mode, components)
            }
            try arriving.file.setModified(entry.modified)
            try arriving.file.synchronize()
            guard let name = components.last.map({ cName($0) }) else { return }
            let parent = arriving.parent
            do {
                if arriving.isNamed {
                    try parent.renameExclusively(Self.unfinished, to: name, in: parent)
                } else {
                    try parent.name(arriving.file, as: name)
                }
            } catch {
                guard error as? Errno == .fileExists else { throw error }
                giveUp(arriving)
            }
        }
    }

    func giveUp(_ arriving: Arriving) { if arriving.isNamed { try? arriving.parent.remove(Self.unfinished) } }

    func makeLink(_ components: [ArraySlice<UInt8>], to text: ArraySlice<UInt8>, as entry: Entry) throws {
        try naming("make", shown(components)) {
            guard let name = components.last.map({ cName($0) }) else { return }
            let parent = try top.openDirectory(beneath: Array(components.dropLast()))
            do {
                try parent.makeSymbolicLink(name, to: cName(text))
                owner.adopt(name, in: parent)
                try parent.setModified(of: name, to: entry.modified)
            } catch {
                guard error as? Errno == .fileExists else { throw error }
            }
        }
    }

    /// Removes what a stage that was killed has left in a folder.
    func removeUnfinished(in components: [ArraySlice<UInt8>]) {
        try? top.openDirectory(beneath: components).remove(Self.unfinished)
    }

    func synchronize() throws { try naming("synchronize", path) { try top.synchronizeFileSystem() } }
}

/// A name as a C string.
func cName(_ name: ArraySlice<UInt8>) -> [CChar] { name.map { CChar(bitPattern: $0) } + [0] }

extension Ring {
    /// So many paths are remembered; 16 bytes each.
    private static let mostSeeded = 1 << 20
    private static let seededName = "seeded"
    static var unfinishedSeeded: String { Directory.unfinishedName(of: seededName) }

    /// The keys of what was seeded into `shared` before, or stood there when it would have been.
    func seededBefore() throws -> Set<ContentDigest> {
        let bytes = try metadata.contents(of: Self.seededName, atMost: Self.mostSeeded * 16) {
            try owner.check($0, "\(path)/.slotsync/\(Self.seededName)")
        }
        guard let bytes else { return [] }
        var reader = ByteReader(bytes, name: "the list of what was seeded")
        var keys: Set<ContentDigest> = []
        while reader.remaining >= 16 { keys.insert(try reader.digest()) }
        return keys
    }

    func noteSeeded(_ keys: Set<ContentDigest>) throws {
        var writer = ByteWriter(reserving: keys.count * 16)
        for key in keys.sorted().prefix(Self.mostSeeded) { writer.append(key) }
        try metadata.replaceContents(of: Self.seededName, by: writer.bytes, adopting: owner.adopt)
    }
}
