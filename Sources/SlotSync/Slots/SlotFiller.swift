// Carries a plan out on a slot marked `staging`: sources set aside, obsolete entries removed, folders,
// links and local copies made; the files of the patch go through FrameApplier, which uses the same
// primitives; at the end modes and times. Each step may be the last one before a crash.

import Glibc
import SystemPackage

/// Fills one slot.
final class SlotFiller {
    let ring: Ring
    let slot: Int
    let directory: Directory
    let target: Manifest
    let actual: SlotContent
    let plan: StagePlan
    let tree: OpenDirectories
    private let records: [Int: SlotRecord]
    let progress: AgentProgress
    private let setsOwner: Bool
    private var sources: [Int: OpenDirectories] = [:]
    private var fileCopy = FileCopy()
    /// Contents in `tmp`.
    private var setAside: Set<ContentDigest>
    /// Entries of the old content that were moved there.
    private var movedAside: Set<Int> = []
    /// Where a content that was made from `tmp` is now.
    private var moved: [ContentDigest: Int] = [:]
    /// Entries whose copy could not be made or trusted: they have to come over the wire.
    private(set) var failedCopies: [Int] = []
    private(set) var copiedFiles = 0

    init(
        ring: Ring, slot: Int, target: Manifest, actual: SlotContent, plan: StagePlan, records: [Int: SlotRecord],
        leftovers: Set<ContentDigest>, setsOwner: Bool, progress: AgentProgress
    ) throws {
        self.ring = ring
        self.slot = slot
        self.target = target
        self.actual = actual
        self.plan = plan
        self.records = records
        self.progress = progress
        self.setsOwner = setsOwner
        setAside = leftovers
        directory = try ring.openSlot(slot)
        tree = OpenDirectories(root: directory, manifest: target)
    }

    func failure(_ what: String, _ index: Int, _ error: any Error) -> any Error {
        guard let error = error as? Errno else { return error }
        let path = "\(ring.path)/slots/\(slot)/\(String(decoding: target.path(of: index), as: UTF8.self))"
        if error == .noSpace || error == .diskQuotaExceeded {
            let free = (try? FileSystemSpace(of: directory.descriptor).freeBytes) ?? 0
            return SlotSyncError(
                .diskFull,
                "disk full: needs \(byteText(plan.receivedBytes + plan.copiedBytes)), \(byteText(free)) free while writing \(quoted(path))",
                errno: error)
        }
        return SlotSyncError(.system, "cannot \(what) \(quoted(path))", errno: error)
    }

    // MARK: Steps, in this order

    /// Saves what is still needed of the slot's old content; from here on bases can be opened.
    func saveSources() throws {
        if geteuid() != 0 { try makeWritable() }
        try setSourcesAside()
    }

    /// Brings everything but the patch's files into place.
    ///
    /// - Parameter pause: called now and then, so that a waiting controller can be answered.
    func prepare(pause: () throws -> Void) throws {
        try removeObsolete()
        try pause()
        try makeDirectoriesAndLinks()
        for (number, (entry, location)) in plan.copies.enumerated() {
            try copy(entry, from: location)
            if number % 64 == 63 { try pause() }
        }
    }

    /// Folders that stay may forbid an unprivileged agent to change them; their modes are set at the end.
    private func makeWritable() throws {
        let old = OpenDirectories(root: directory, manifest: actual.manifest)
        for index in actual.manifest.entries.indices {
            let entry = actual.manifest.entries[index]
            guard entry.kind == .directory, entry.mode & 0o700 != 0o700 else { continue }
            if index == 0 {
                try ring.slotsDirectory.setMode(of: "\(slot)", to: 0o700)
            } else {
                let parent = try old.parent(of: index)
                try actual.manifest.withName(of: index) { name in try parent.setMode(of: name, to: 0o700) }
            }
        }
    }

    private func setSourcesAside() throws {
        let old = OpenDirectories(root: directory, manifest: actual.manifest)
        for (entry, digest) in plan.aside where !setAside.contains(digest) {
            let parent = try old.parent(of: entry)
            try actual.manifest.withName(of: entry) { name in
                try parent.rename(name, to: digest.description, in: ring.temporary)
            }
            setAside.insert(digest)
            movedAside.insert(entry)
        }
    }

    private func removeObsolete() throws {
        for path in actual.specials {
            let components = path.split(separator: UInt8(ascii: "/"))
            guard let name = components.last else { continue }
            let parent = try directory.openDirectory(beneath: Array(components.dropLast()))
            try parent.removeTree(name.map { CChar(bitPattern: $0) } + [0])
        }
        let old = OpenDirectories(root: directory, manifest: actual.manifest)
        // From the end: children stand after their folders.
        for index in plan.change.obsolete.reversed() where !movedAside.contains(index) {
            let parent = try old.parent(of: index)
            let isDirectory = actual.manifest.entries[index].kind == .directory
            try actual.manifest.withName(of: index) { name in
                do {
                    if isDirectory { try parent.removeDirectory(name) } else { try parent.remove(name) }
                } catch {
                    // Whatever else stands there by now goes, too: the slot is ours.
                    try parent.removeTree(name)
                }
            }
        }
    }

    private func makeDirectoriesAndLinks() throws {
        for index in target.entries.indices.dropFirst() where plan.change.kept[index] < 0 {
            let entry = target.entries[index]
            guard entry.kind != .file || entry.size == 0 else { continue }
            do {
                let parent = try tree.parent(of: index)
                switch entry.kind {
                case .directory: try target.withName(of: index) { name in try parent.makeDirectory(name) }
                case .symbolicLink:
                    try target.withName(of: index) { name in
                        try target.withLinkText(of: index) { text in try parent.makeSymbolicLink(name, to: text) }
                    }
                    try finishLink(index, in: parent)
                case .file:
                    if let leader = target.linkLeader(of: index), leader != index { continue }
                    let file = try tree.openFile(index, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
                    defer { try? file.close() }
                    try finish(file, index)
                }
            } catch { throw failure("make", index, error) }
        }
    }

    private func finishLink(_ index: Int, in parent: Directory) throws {
        let entry = target.entries[index]
        try target.withName(of: index) { name in
            if setsOwner { try parent.setOwner(of: name, to: entry.owner, group: entry.group) }
            try parent.setModified(of: name, to: entry.modified)
        }
    }

    /// Gives a file that has its content its owner, mode and time.
    func finish(_ file: FileDescriptor, _ index: Int) throws(Errno) {
        let entry = target.entries[index]
        if setsOwner { try file.setOwner(entry.owner, group: entry.group) }
        try file.setMode(entry.mode)
        try file.setModified(entry.modified)
    }

    // MARK: Copies

    private func copy(_ index: Int, from location: ContentLocation) throws {
        do {
            if case .aside(let digest) = location, moved[digest] == nil {
                if let basis = plan.bases[digest], basis == location {
                    // Still needed as a basis: it stays, and is copied.
                } else {
                    try move(digest, to: index)
                    return
                }
            }
            guard let source = try open(location) else {
                failedCopies.append(index)
                return
            }
            defer { try? source.close() }
            try makeCopy(index, of: source)
        } catch { throw failure("copy to", index, error) }
    }

    private func makeCopy(_ index: Int, of source: FileDescriptor) throws {
        let entry = target.entries[index]
        let before = try StatTuple(source.status())
        guard before.size == entry.size else {
            failedCopies.append(index)
            return
        }
        let file = try tree.openFile(index, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        defer { try? file.close() }
        try fileCopy.copy(from: source, to: file, size: entry.size, isSparse: entry.isSparse)
        // A source that somebody wrote to meanwhile gave a mixture.
        guard try StatTuple(source.status()) == before else {
            let parent = try tree.parent(of: index)
            try target.withName(of: index) { name in try parent.remove(name) }
            failedCopies.append(index)
            return
        }
        try finish(file, index)
        copiedFiles += 1
        progress.add(files: 1, bytes: entry.size)
    }

    /// What was set aside becomes the first entry that needs it: no byte is copied.
    private func move(_ digest: ContentDigest, to index: Int) throws {
        let parent = try tree.parent(of: index)
        try target.withName(of: index) { name in
            try ring.temporary.rename(digest.description, to: name, in: parent)
        }
        moved[digest] = index
        let entry = target.entries[index]
        try target.withName(of: index) { name in
            if setsOwner { try parent.setOwner(of: name, to: entry.owner, group: entry.group) }
            if resetsOwner { try parent.setOwner(of: name, to: geteuid(), group: getegid()) }
            try parent.setMode(of: name, to: entry.mode)
            try parent.setModified(of: name, to: entry.modified)
        }
        copiedFiles += 1
    }

    /// Opens content on this host; nil where it is no longer what it was.
    func open(_ location: ContentLocation) throws -> FileDescriptor? {
        switch location {
        case .target(let entry): return try? tree.openFile(entry, O_RDONLY | O_NONBLOCK)
        case .aside(let digest):
            if let entry = moved[digest] { return try? tree.openFile(entry, O_RDONLY | O_NONBLOCK) }
            return try? ring.temporary.openFile(digest.description, O_RDONLY | O_NONBLOCK)
        case .slot(let number, let entry):
            guard let record = records[number] else { return nil }
            if sources[number] == nil {
                sources[number] = OpenDirectories(root: try ring.openSlot(number), manifest: record.manifest)
            }
            guard let file = try? sources[number]?.openFile(entry, O_RDONLY | O_NONBLOCK) else { return nil }
            guard let status = try? file.status(), record.vouches(for: entry, status) else {
                try? file.close()
                return nil
            }
            return file
        }
    }

    /// Copies for entries whose content came with another entry, then links of hard link groups.
    func finishDuplicatesAndLinks() throws {
        for (entry, source) in plan.duplicates {
            do {
                let file = try tree.openFile(source, O_RDONLY | O_NONBLOCK)
                defer { try? file.close() }
                try makeCopy(entry, of: file)
            } catch { throw failure("copy to", entry, error) }
        }
        guard target.hasHardLinks else { return }
        for index in target.entries.indices where plan.change.kept[index] < 0 {
            guard let leader = target.linkLeader(of: index), leader != index else { continue }
            do {
                let (parent, source) = (try tree.parent(of: index), try tree.parent(of: leader))
                try target.withName(of: index) { name in
                    try target.withName(of: leader) { existing in
                        try parent.makeHardLink(name, to: existing, in: source)
                    }
                }
            } catch { throw failure("link", index, error) }
        }
    }

    // MARK: Attributes

    /// Whether what stays may belong to others, and has to be the agent's own as all that it makes.
    private var resetsOwner: Bool { actual.manifest.hasOwnership && !setsOwner }

    /// Sets what differs in kept entries, then the folders from the innermost outwards.
    func finishAttributes() throws {
        for index in target.entries.indices
        where plan.change.kept[index] >= 0 && target.entries[index].kind != .directory {
            let (wanted, found) = (target.entries[index], actual.manifest.entries[Int(plan.change.kept[index])])
            let ownerDiffers =
                setsOwner
                && (!actual.manifest.hasOwnership || wanted.owner != found.owner || wanted.group != found.group)
            let modeDiffers = wanted.kind == .file && (wanted.mode != found.mode || ownerDiffers || resetsOwner)
            guard modeDiffers || ownerDiffers || resetsOwner || wanted.modified != found.modified else { continue }
            do {
                let parent = try tree.parent(of: index)
                try target.withName(of: index) { name in
                    if ownerDiffers { try parent.setOwner(of: name, to: wanted.owner, group: wanted.group) }
                    if resetsOwner { try parent.setOwner(of: name, to: geteuid(), group: getegid()) }
                    if modeDiffers { try parent.setMode(of: name, to: wanted.mode) }
                    try parent.setModified(of: name, to: wanted.modified)
                }
            } catch { throw failure("set mode and time of", index, error) }
        }
        for index in target.entries.indices.reversed() where target.entries[index].kind == .directory {
            let entry = target.entries[index]
            do {
                let folder = try tree.directory(UInt32(index)).descriptor
                if setsOwner { try folder.setOwner(entry.owner, group: entry.group) }
                if resetsOwner { try folder.setOwner(geteuid(), group: getegid()) }
                try folder.setMode(entry.mode)
                try folder.setModified(entry.modified)
            } catch { throw failure("set mode and time of", index, error) }
        }
    }
}
