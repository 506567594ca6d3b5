// Opens what a slot's new content is made from on its host: files of the other slots, files of the release that are
// in place, and what of the slot's old content is still of use. The last is saved in `tmp`, under its digest, before
// it would be removed.

import Glibc
import SystemPackage

/// Opens the content that a plan counts on.
final class SlotSources {
    private let ring: Ring
    private let plan: StagePlan
    private let records: SlotRecords
    /// The slot that is being filled, by the release's entries.
    private let tree: OpenDirectories
    /// Opens what does not lie aside.
    private var reader: SourceReader
    /// Contents in `tmp`, or moved from there.
    private var saved: Set<ContentDigest>
    /// What the saved files were like when they were there.
    private var stamps: [ContentDigest: SlotRecord.Stamp] = [:]
    /// Entries of the old content that were moved there.
    private(set) var savedEntries: Set<Int> = []
    /// Where a content that was made from `tmp` is now.
    private var moved: [ContentDigest: Int] = [:]

    private let actual: SlotContent
    private let progress: AgentProgress

    init(
        ring: Ring, actual: SlotContent, plan: StagePlan, records: SlotRecords, tree: OpenDirectories,
        leftovers: Set<ContentDigest>, progress: AgentProgress
    ) {
        self.actual = actual
        self.progress = progress
        self.ring = ring
        self.plan = plan
        self.records = records
        self.tree = tree
        saved = leftovers
        reader = SourceReader(
            KnownSources(target: tree.manifest, kept: plan.change.kept, seen: actual.seen, progress: progress),
            tree: tree)
    }

    /// Moves what is still needed of the slot's old content into `tmp`; from here on all can be opened. What cannot be
    /// moved is no source, nor is what somebody wrote to since the slot was looked at.
    ///
    /// - Returns: the entries that were written to.
    func save(from old: OpenDirectories) -> [Int] {
        var changed: [Int] = []
        for (entry, digest) in plan.aside where !saved.contains(digest) {
            guard let parent = try? old.parent(of: entry) else { continue }
            old.manifest.withName(of: entry) { name in
                guard actual.isUnchanged(entry, name, in: parent, progress) else { return changed.append(entry) }
                let place = digest.description
                guard let before = try? parent.status(of: name),
                    (try? parent.rename(name, to: place, in: ring.temporary)) != nil
                else { return }
                // The rename changes the change time alone. A write in between shows in the other one.
                guard let after = try? ring.temporary.status(of: place), after.modified == before.modified,
                    after.size == before.size, after.inode == before.inode
                else {
                    try? ring.temporary.renameExclusively(place, to: name, in: parent)
                    return changed.append(entry)
                }
                stamps[digest] = SlotRecord.Stamp(after)
                saved.insert(digest)
                savedEntries.insert(entry)
            }
        }
        return changed
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
        guard case .aside(let digest) = location else {
            learn(of: location)
            return reader.open(location)
        }
        if let entry = moved[digest] { return reader.open(.target(entry: entry)) }
        guard let file = try? ring.temporary.openFile(digest.description, O_RDONLY | O_NONBLOCK) else { return nil }
        guard let status = try? file.status(), status.kind == .file,
            stamps[digest] == SlotRecord.Stamp(status) || (try? file.contentDigest(progress)) == digest
        else {
            try? file.close()
            return nil
        }
        return SourceFile(descriptor: file, status: status)
    }

    /// What there is to know of some locations, for readers on other threads.
    func known(of locations: some Sequence<ContentLocation>) -> KnownSources {
        for location in locations { learn(of: location) }
        return reader.known
    }

    /// Reads the record of a slot that is asked for the first time.
    private func learn(of location: ContentLocation) {
        guard case .slot(let number, _) = location, reader.known.slots[number] == nil else { return }
        var sealed: KnownSources.Sealed?
        if let record = records.record(of: number), let root = try? ring.slotThere(number) {
            sealed = KnownSources.Sealed(root: root, record: record)
        }
        reader.known.slots[number] = .some(sealed)
    }

    /// Whether an entry takes this content over as it is, in place of a copy: it is in `tmp`, no other entry has taken
    /// it, and it is no basis that a frame still needs.
    func canMove(_ location: ContentLocation) -> ContentDigest? {
        guard case .aside(let digest) = location, saved.contains(digest), moved[digest] == nil,
            plan.bases[digest]?.location != location
        else { return nil }
        return digest
    }

    /// Whether a content is still in `tmp` as it came there: a process that had it open may write to it.
    func isIntact(_ digest: ContentDigest) -> Bool {
        // Mostly its status tells.
        if let stamp = stamps[digest], let status = try? ring.temporary.status(of: digest.description),
            stamp == SlotRecord.Stamp(status)
        {
            return true
        }
        guard let source = open(.aside(digest)) else { return false }
        defer { try? source.descriptor.close() }
        // What another stage left may have access lists or capabilities of its release: its content is copied.
        guard stamps[digest] == nil else { return true }
        let attributes = try? ExtendedAttributes(of: source.descriptor, ExtendedAttributeBuffer())
        return attributes?.items.allSatisfy { $0.name == ExtendedAttributes.label } ?? false
    }

    /// Moves a content from `tmp` to the entry `name` of `parent`, which is entry `index` of the release.
    func move(_ digest: ContentDigest, to name: UnsafePointer<CChar>, in parent: Directory, as index: Int) throws(Errno)
    {
        // Nor does it have more rights there for an instant than it is to have.
        let (mode, wanted) = (try ring.temporary.status(of: digest.description).mode, tree.manifest.entries[index].mode)
        if mode & ~wanted != 0 { try ring.temporary.setMode(of: digest.description, to: mode & wanted) }
        try ring.temporary.rename(digest.description, to: name, in: parent)
        moved[digest] = index
    }
}
