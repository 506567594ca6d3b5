// Where a slot's new content comes from on its host: files of the other slots, files of the release that are in place,
// and what of the slot's old content is still of use, which is saved in `tmp` under its digest before it would go.

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
    /// Contents in `tmp`.
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

    /// Moves what is still needed of the slot's old content into `tmp`; from here on all can be opened.
    func save(from old: OpenDirectories) throws {
        for (entry, digest) in plan.aside where !saved.contains(digest) {
            let parent = try old.parent(of: entry)
            try old.manifest.withName(of: entry) { name in
                try parent.rename(name, to: digest.description, in: ring.temporary)
            }
            saved.insert(digest)
            savedEntries.insert(entry)
        }
    }

    /// Opens content; nil where it is no longer what it was.
    func open(_ location: ContentLocation) throws -> SourceFile? {
        switch location {
        case .target(let entry): return source(try? tree.openFile(entry, O_RDONLY | O_NONBLOCK))
        case .aside(let digest):
            if let entry = moved[digest] { return source(try? tree.openFile(entry, O_RDONLY | O_NONBLOCK)) }
            return source(try? ring.temporary.openFile(digest.description, O_RDONLY | O_NONBLOCK))
        case .slot(let number, let entry):
            guard let record = try records.record(of: number) else { return nil }
            let directories = try slots[number] ?? openSlot(number, record)
            guard let file = source(try? directories.openFile(entry, O_RDONLY | O_NONBLOCK)) else { return nil }
            guard record.vouches(for: entry, file.status) else {
                try? file.descriptor.close()
                return nil
            }
            return file
        }
    }

    private func openSlot(_ number: Int, _ record: SlotRecord) throws -> OpenDirectories {
        let directories = OpenDirectories(root: try ring.openSlot(number), manifest: record.manifest)
        slots[number] = directories
        return directories
    }

    private func source(_ file: FileDescriptor?) -> SourceFile? {
        guard let file else { return nil }
        guard let status = try? file.status() else {
            try? file.close()
            return nil
        }
        return SourceFile(descriptor: file, status: status)
    }

    /// Whether an entry takes this content over as it is, in place of a copy: it is in `tmp`, no other entry has taken it,
    /// and it is no basis that a frame still needs.
    func canMove(_ location: ContentLocation) -> ContentDigest? {
        guard case .aside(let digest) = location, moved[digest] == nil, plan.bases[digest] != location else {
            return nil
        }
        return digest
    }

    /// Moves a content from `tmp` to the entry `name` of `parent`, which is entry `index` of the release.
    func move(_ digest: ContentDigest, to name: UnsafePointer<CChar>, in parent: Directory, as index: Int) throws {
        try ring.temporary.rename(digest.description, to: name, in: parent)
        moved[digest] = index
    }
}
