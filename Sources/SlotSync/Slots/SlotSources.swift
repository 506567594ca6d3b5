// Opens what a slot's new content is made from on its host: files of the other slots, files of the release that are
// in place, and what of the slot's old content is still of use. The last is saved in `tmp`, under its digest, before
// it would be removed.

import Glibc
import SystemPackage

/// Content on this host, open for reading; whoever asked for it closes it.
struct SourceFile {
    var descriptor: FileDescriptor
    var status: FileStatus
}

/// Opens the content that a plan counts on.
final class SlotSources {
    private let ring: Ring
    private let plan: StagePlan
    private let records: SlotRecords
    /// The slot that is being filled, by the release's entries.
    private let tree: OpenDirectories
    private var slots: [Int: OpenDirectories] = [:]
    /// Contents in `tmp`, or moved from there.
    private var saved: Set<ContentDigest>
    /// Entries of the old content that were moved there.
    private(set) var savedEntries: Set<Int> = []
    /// Where a content that was made from `tmp` is now.
    private var moved: [ContentDigest: Int] = [:]

    init(ring: Ring, plan: StagePlan, records: SlotRecords, tree: OpenDirectories, leftovers: Set<ContentDigest>) {
        self.ring = ring
        self.plan = plan
        self.records = records
        self.tree = tree
        saved = leftovers
    }

    /// Moves what is still needed of the slot's old content into `tmp`; from here on all can be opened. What cannot be
    /// moved is no source.
    func save(from old: OpenDirectories) {
        for (entry, digest) in plan.aside where !saved.contains(digest) {
            guard let parent = try? old.parent(of: entry) else { continue }
            let isSaved: Void? = try? old.manifest.withName(of: entry) { name throws(Errno) in
                try parent.rename(name, to: digest.description, in: ring.temporary)
            }
            guard isSaved != nil else { continue }
            saved.insert(digest)
            savedEntries.insert(entry)
        }
    }

    /// The basis that was proposed under this digest; nil if none was. If it cannot be opened, or is not what it was,
    /// no byte can be read of it.
    func basis(_ digest: ContentDigest) -> BasisFile? {
        guard let basis = plan.bases[digest] else { return nil }
        let source = open(basis.location)
        if let source, source.status.size != basis.length {
            try? source.descriptor.close()
            return BasisFile(nil, length: basis.length)
        }
        return BasisFile(source?.descriptor, length: basis.length)
    }

    /// Opens content; nil if it cannot be opened, or is no longer what it was.
    func open(_ location: ContentLocation) -> SourceFile? {
        guard let file = try? openFile(location) else { return nil }
        guard let status = try? file.status(), status.kind == .file, isVouchedFor(location, status) else {
            try? file.close()
            return nil
        }
        return SourceFile(descriptor: file, status: status)
    }

    private func openFile(_ location: ContentLocation) throws -> FileDescriptor? {
        switch location {
        case .target(let entry): return try tree.openFile(entry, O_RDONLY | O_NONBLOCK)
        case .aside(let digest):
            if let entry = moved[digest] { return try tree.openFile(entry, O_RDONLY | O_NONBLOCK) }
            return try ring.temporary.openFile(digest.description, O_RDONLY | O_NONBLOCK)
        case .slot(let number, let entry): return try directories(of: number)?.openFile(entry, O_RDONLY | O_NONBLOCK)
        }
    }

    /// Only the record of a sealed slot says what a file's status was.
    private func isVouchedFor(_ location: ContentLocation, _ status: FileStatus) -> Bool {
        guard case .slot(let number, let entry) = location else { return true }
        return records.record(of: number)?.vouches(for: entry, status) ?? false
    }

    private func directories(of slot: Int) throws -> OpenDirectories? {
        if let known = slots[slot] { return known }
        guard let record = records.record(of: slot), let root = try ring.slotThere(slot) else { return nil }
        let directories = OpenDirectories(root: root, manifest: record.manifest)
        slots[slot] = directories
        return directories
    }

    /// Whether an entry takes this content over as it is, in place of a copy: it is in `tmp`, no other entry has taken
    /// it, and it is no basis that a frame still needs.
    func canMove(_ location: ContentLocation) -> ContentDigest? {
        guard case .aside(let digest) = location, saved.contains(digest), moved[digest] == nil,
            plan.bases[digest]?.location != location
        else { return nil }
        return digest
    }

    /// Moves a content from `tmp` to the entry `name` of `parent`, which is entry `index` of the release.
    func move(_ digest: ContentDigest, to name: UnsafePointer<CChar>, in parent: Directory, as index: Int) throws(Errno)
    {
        try ring.temporary.rename(digest.description, to: name, in: parent)
        moved[digest] = index
    }
}
