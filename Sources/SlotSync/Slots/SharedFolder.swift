// The folder `shared` of a root: what outlives releases. It finds out what of it a release lacks on this host, and puts
// folders and files there, never over anything. SharedSeeding asks it, and fetches the files.

import Glibc
import SystemPackage

/// What a stage does below `shared`.
struct SharedPlan {
    /// A folder that is not there.
    struct Folder {
        var path: [ArraySlice<UInt8>]
        var mode: UInt16 = 0o755
        var attributes = ExtendedAttributes()
    }

    /// Folders to make, parents first, with their modes.
    var folders: [SharedPlan.Folder] = []
    /// Entries of the seeds that this host lacks: files and links, in order.
    var seeds: [Int] = []
    /// All paths of seeds that were seen here: none of them is seeded again.
    var seen: Set<ContentDigest> = []
    /// What is seeded at each shared path, for a person.
    var seeded: [(path: String, count: Int, isFolder: Bool)] = []
    /// Shared files that nobody has, for a person.
    var missing: [String] = []
    /// What is not done, and why.
    var warnings: [String] = []
}

/// A root's `shared`.
struct SharedFolder {
    let path: String
    private let top: Directory
    private let owner: RingOwner

    /// Nil where it is no folder: a link to another file system, perhaps.
    init?(of ring: Ring) {
        guard let top = try? ring.root.openMountedDirectory("shared") else { return nil }
        self.top = top
        owner = ring.owner
        path = ring.path + "/shared"
    }

    // MARK: What is there

    private enum Found {
        case missing, file, folder, other
        /// A link, a mount or a file is where a folder above was to be.
        case outOfReach(String)
    }

    private func look(at components: [ArraySlice<UInt8>]) throws -> Found {
        var directory = top
        for (level, component) in components.enumerated() {
            let name = cName(component)
            let shown = shown(Array(components[...level]))
            let status: FileStatus
            do { status = try directory.status(of: name) } catch {
                if error == .noSuchFileOrDirectory { return .missing }
                throw failure(to: "look at", shown, error)
            }
            if level == components.count - 1 {
                return status.kind == .file ? .file : status.kind == .directory ? .folder : .other
            }
            do { directory = try directory.openDirectory(name) } catch {
                if error == .permissionDenied { throw failure(to: "open", shown, error) }
                return .outOfReach(
                    "\(quoted(shown)) is \(error == .improperLink ? "a mount" : status.kind == .symbolicLink ? "a link" : "no folder")"
                )
            }
        }
        return .folder
    }

    private func shown(_ components: [ArraySlice<UInt8>]) -> String {
        "\(path)/\(String(decoding: Array(components.joined(separator: [UInt8(ascii: "/")])), as: UTF8.self))"
    }

    /// Names a path among those that were seeded.
    static func key(of components: [ArraySlice<UInt8>]) -> ContentDigest {
        ContentDigest(of: Array(components.joined(separator: [UInt8(ascii: "/")])))
    }

    // MARK: What is to be done

    /// - Parameters:
    ///   - paths: the shared paths, and whether each is a file whoever has it.
    ///   - seeds: what the source holds there.
    ///   - before: the keys of what was seeded before.
    /// - Throws: `notReady` where a file is here and a folder is there, or the other way round.
    func plan(
        _ paths: [(path: [UInt8], isFile: Bool)], seeds: Manifest, before: Set<ContentDigest>
    ) throws -> SharedPlan {
        var plan = SharedPlan()
        for (path, isFile) in paths {
            let components = path.split(separator: UInt8(ascii: "/"))
            let seed = seeds.entry(at: components)
            let isFolderThere = seed.map { seeds.entries[$0].kind == .directory } ?? false
            let found = try look(at: components)
            switch found {
            case .file where isFolderThere: throw conflict(components, here: "a file", there: "a folder")
            case .folder where isFile || (seed != nil && !isFolderThere):
                throw conflict(components, here: "a folder", there: "a file")
            case .outOfReach(let why):
                plan.warnings.append("\(why), so nothing is made at \(quoted(shown(components)))")
            case .file, .other: break
            case .missing where isFile || (seed != nil && !isFolderThere):
                makeFolders(above: components, in: &plan)
                if seed == nil || before.contains(Self.key(of: components)) { plan.missing.append(shown(components)) }
            case .missing, .folder:
                makeFolders(above: components, in: &plan)
                if case .missing = found {
                    plan.folders.append(seed.map { folder(components, $0, seeds) } ?? .init(path: components))
                }
            }
            guard let seed else { continue }
            if case .outOfReach = found { continue }
            let count = plan.seeds.count
            var isSeeded = false
            try collect(seed, components, found, seeds, before, &plan, &isSeeded)
            if isSeeded {
                let name = String(decoding: path, as: UTF8.self)
                plan.seeded.append((name, plan.seeds.count - count, isFolderThere))
            }
        }
        return plan
    }

    private func makeFolders(above components: [ArraySlice<UInt8>], in plan: inout SharedPlan) {
        for level in 1..<max(components.count, 1) { plan.folders.append(.init(path: Array(components[..<level]))) }
    }

    private func folder(_ components: [ArraySlice<UInt8>], _ seed: Int, _ seeds: Manifest) -> SharedPlan.Folder {
        .init(path: components, mode: seeds.entries[seed].mode, attributes: seeds.extendedAttributes[seed])
    }

    /// Collects what is missing of an entry and of what is below it, without recursion: a tree may be deep.
    private func collect(
        _ seed: Int, _ components: [ArraySlice<UInt8>], _ found: Found, _ seeds: Manifest,
        _ before: Set<ContentDigest>, _ plan: inout SharedPlan, _ isSeeded: inout Bool
    ) throws {
        var open = [(seed, components, found)]
        while let (index, components, found) = open.popLast() {
            let entry = seeds.entries[index]
            let key = Self.key(of: components)
            if case .outOfReach(let why) = found {
                plan.warnings.append("\(why), so what the release has there is not seeded")
                continue
            }
            plan.seen.insert(key)
            switch (found, entry.kind) {
            case (.missing, .file), (.missing, .symbolicLink):
                guard !before.contains(key) else { continue }
                plan.seeds.append(index)
                isSeeded = true
            case (.missing, .directory), (.folder, .directory):
                var isMissing = false
                if case .missing = found { isMissing = true }
                if isMissing, index != seed {
                    guard !before.contains(key) else { continue }
                    plan.folders.append(folder(components, index, seeds))
                    isSeeded = true
                }
                for child in seeds.children(of: index).reversed() {
                    let below = components + [seeds.name(of: child)]
                    open.append((child, below, isMissing ? .missing : try look(at: below)))
                }
            case (.file, .file), (.other, _), (.outOfReach, _): continue
            case (.file, _), (.folder, _):
                plan.warnings.append(
                    "\(quoted(shown(components))) is something else than in the release, and stays as it is")
            }
        }
    }

    private func conflict(_ components: [ArraySlice<UInt8>], here: String, there: String) -> SlotSyncError {
        let path = shown(components)
        let remedy = here == "a folder" ? "if it is empty, rmdir \(ShellWords.quoted(path))" : "move it away"
        return SlotSyncError(
            .notReady,
            "\(quoted(path)) is \(here) on this host, but is to be \(there) for this release: nothing was changed. Look what "
                + "it holds (\(remedy)), then stage again")
    }

    // MARK: Doing it

    /// Makes a folder where nothing is.
    func makeFolder(_ folder: SharedPlan.Folder, group: RingGroup?) throws {
        let (components, mode) = (folder.path, folder.mode)
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

    /// A file on its way into `shared`: written under another name beside it.
    struct Arriving {
        fileprivate let parent: Directory
        fileprivate let temporary: String
        let file: FileDescriptor
    }

    func begin(_ components: [ArraySlice<UInt8>]) throws -> Arriving {
        try naming("write", shown(components)) {
            let parent = try top.openDirectory(beneath: Array(components.dropLast()))
            let temporary = ".slotsync-seed-\(getpid())"
            try? parent.remove(temporary)
            let file = try parent.openFile(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            owner.adopt(file)
            return Arriving(parent: parent, temporary: temporary, file: file)
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
            do { try arriving.parent.renameExclusively(arriving.temporary, to: name, in: arriving.parent) } catch {
                guard error as? Errno == .fileExists else { throw error }
                try arriving.parent.remove(arriving.temporary)
            }
        }
    }

    func giveUp(_ arriving: Arriving) { try? arriving.parent.remove(arriving.temporary) }

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

    func synchronize() throws { try naming("synchronize", path) { try top.synchronizeFileSystem() } }
}

/// A name as a C string.
private func cName(_ name: ArraySlice<UInt8>) -> [CChar] { name.map { CChar(bitPattern: $0) } + [0] }

extension Ring {
    /// So many paths are remembered; 16 bytes each.
    private static let mostSeeded = 1 << 20
    private static let seededName = "seeded"

    /// The keys of what was seeded into `shared` before, or stood there when it would have been.
    func seededBefore() throws -> Set<ContentDigest> {
        guard let bytes = try metadata.contents(of: Self.seededName, atMost: Self.mostSeeded * 16) else { return [] }
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
