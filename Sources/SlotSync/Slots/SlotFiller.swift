// Carries a plan out on a slot marked `staging`: sources saved, obsolete entries removed, folders, links and local copies
// made; the files of the patch go through FrameApplier, which uses the same primitives; modes and times through
// SlotAttributes. Each step may be the last one before a crash.

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
    let sources: SlotSources
    let attributes: SlotAttributes
    let progress: AgentProgress
    /// How many directories of the slot are kept open.
    private static let mostOpen = 2048
    private var fileCopy = FileCopy()
    /// Entries whose copy could not be made or trusted: they have to come over the wire.
    private(set) var failedCopies: [Int] = []
    private(set) var copiedFiles = 0

    init(
        ring: Ring, slot: Int, target: Manifest, actual: SlotContent, plan: StagePlan, records: SlotRecords,
        leftovers: Set<ContentDigest>, setsOwner: Bool, progress: AgentProgress
    ) throws {
        self.ring = ring
        self.slot = slot
        self.target = target
        self.actual = actual
        self.plan = plan
        self.progress = progress
        directory = try ring.openSlot(slot)
        // What goes, what is made and what gets its times is mostly in the same directories: each is opened once.
        tree = OpenDirectories(
            root: directory, manifest: target, keeping: min(Self.mostOpen, ProcessSetup.descriptorLimit / 8))
        sources = SlotSources(ring: ring, plan: plan, records: records, tree: tree, leftovers: leftovers)
        attributes = SlotAttributes(
            target: target, actual: actual, change: plan.change, tree: tree, setsOwner: setsOwner)
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
        try sources.save(from: OpenDirectories(root: directory, manifest: actual.manifest))
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
        try attributes.settle(pause: pause) { failure("set mode and time of", $0, $1) }
    }

    /// Makes what has its content from another entry, then sets the attributes that are left.
    ///
    /// - Returns: the slot as it is to be sealed; the filler, and what it holds of old contents, may go.
    @discardableResult
    func finish() throws -> FilledSlot {
        for (entry, source) in plan.duplicates {
            do {
                let file = try tree.openFile(source, O_RDONLY | O_NONBLOCK)
                defer { try? file.close() }
                try makeCopy(entry, of: SourceFile(descriptor: file, status: file.status()))
            } catch { throw failure("copy to", entry, error) }
        }
        try makeHardLinks()
        try attributes.finish { failure("set mode and time of", $0, $1) }
        return filled
    }

    var filled: FilledSlot {
        FilledSlot(
            number: slot, path: "\(ring.path)/slots/\(slot)", directory: directory, target: target,
            progress: progress)
    }

    // MARK: What goes

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

    private func removeObsolete() throws {
        for path in actual.specials {
            let components = path.split(separator: UInt8(ascii: "/"))
            guard let name = components.last else { continue }
            let parent = try directory.openDirectory(beneath: Array(components.dropLast()))
            try parent.removeTree(name.map { CChar(bitPattern: $0) } + [0])
        }
        let old = OpenDirectories(root: directory, manifest: actual.manifest)
        // From the end: children stand after their folders.
        let counterparts = plan.change.counterparts(count: actual.manifest.count)
        for index in plan.change.obsolete.reversed() where !sources.savedEntries.contains(index) {
            let folder = Int(actual.manifest.entries[index].parent)
            let stays = counterparts[folder]
            let parent = try stays >= 0 ? tree.directory(UInt32(stays)) : old.directory(UInt32(folder))
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

    // MARK: What is made

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
                        try attributes.finishLink(name, in: parent, index)
                    }
                case .file:
                    if let leader = target.linkLeader(of: index), leader != index { continue }
                    let file = try tree.openFile(index, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
                    defer { try? file.close() }
                    try attributes.finish(file, index)
                }
            } catch { throw failure("make", index, error) }
        }
    }

    private func copy(_ index: Int, from location: ContentLocation) throws {
        do {
            if let digest = sources.canMove(location) {
                let parent = try tree.parent(of: index)
                try target.withName(of: index) { name in
                    try sources.move(digest, to: name, in: parent, as: index)
                    try attributes.finishMoved(name, in: parent, index)
                }
                copiedFiles += 1
                return
            }
            guard let source = try sources.open(location) else {
                failedCopies.append(index)
                return
            }
            defer { try? source.descriptor.close() }
            try makeCopy(index, of: source)
        } catch { throw failure("copy to", index, error) }
    }

    private func makeCopy(_ index: Int, of source: SourceFile) throws {
        let entry = target.entries[index]
        guard source.status.size == entry.size else {
            failedCopies.append(index)
            return
        }
        let file = try tree.openFile(index, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        defer { try? file.close() }
        try fileCopy.copy(from: source.descriptor, to: file, size: entry.size, isSparse: entry.isSparse)
        // A source that somebody wrote to meanwhile gave a mixture.
        guard try StatTuple(source.descriptor.status()) == StatTuple(source.status) else {
            let parent = try tree.parent(of: index)
            try target.withName(of: index) { name in try parent.remove(name) }
            failedCopies.append(index)
            return
        }
        try attributes.finish(file, index)
        copiedFiles += 1
        progress.add(files: 1, bytes: entry.size)
    }

    private func makeHardLinks() throws {
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
}
