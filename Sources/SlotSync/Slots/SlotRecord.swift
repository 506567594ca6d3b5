// The record of a slot as it was sealed: its manifest, and for each entry the part of its status that vouches for it.
// As long as that holds, the slot's content is known without reading it. SlotRecordCoding has the form in
// `.slotsync/slots/N`.

/// Names that are no entries of a release and stand in its folders on purpose, by the folder's entry. What is below one of
/// these belongs to it.
typealias KeptNames = [Int: Set<[UInt8]>]

/// A sealed slot's manifest with the stat tuples that vouch for it.
struct SlotRecord: Sendable {
    /// The part of an entry's status that the manifest lacks. The manifest has a file's size. The device is left out:
    /// a slot is on one file system, whose number may be another one after a reboot.
    struct Stamp: Hashable, Sendable {
        var inode: UInt64
        var changed: Timestamp

        init(inode: UInt64, changed: Timestamp) {
            self.inode = inode
            self.changed = changed
        }

        init(_ status: FileStatus) { self.init(inode: status.inode, changed: status.changed) }

        /// Vouches for nothing: no file has this number. The folder holds what is in no record.
        static let unknown = Stamp(inode: 0, changed: Timestamp(seconds: 0, nanoseconds: 0))
    }

    private(set) var manifest: Manifest
    /// What the stage kept beside the release, by the folder of the release that it is in. Such folders have stamps that vouch
    /// for nothing: whoever looks at the slot has to list them.
    var kept: KeptNames
    /// Aligned with the manifest's entries.
    private(set) var stamps: [Stamp]
    /// Modification times that are not the manifest's: a file system kept them coarser, or nobody set them.
    private(set) var otherTimes: [Int: Timestamp] = [:]
    /// The file clock when the stamps were taken: later changes have a later change time.
    let sealedAt: Timestamp

    /// Begins a record, to which each entry's status is appended in order.
    init(manifest: Manifest, sealedAt: Timestamp, kept: KeptNames = [:]) {
        self.manifest = manifest
        self.sealedAt = sealedAt
        self.kept = kept
        stamps = []
        stamps.reserveCapacity(manifest.count)
    }

    mutating func append(_ status: FileStatus) { append(Stamp(status), modified: status.modified) }

    mutating func append(_ stamp: Stamp, modified: Timestamp) {
        if modified != manifest.entries[stamps.count].modified { otherTimes[stamps.count] = modified }
        stamps.append(stamp)
    }

    /// Entries that were to have setgid and do not: noted by the sealer when it looks.
    var entriesWithoutSetgid: [[UInt8]] { withoutSetgid.map { manifest.path(of: $0) } }
    private var withoutSetgid: [Int] = []

    /// Notes that an entry is not as the manifest says in that alone.
    mutating func noteWithoutSetgid(_ index: Int) { withoutSetgid.append(index) }

    func modified(of index: Int) -> Timestamp {
        // Mostly empty, and then not asked.
        otherTimes.isEmpty ? manifest.entries[index].modified : otherTimes[index] ?? manifest.entries[index].modified
    }

    /// The manifest with the modification times that the entries really had.
    func manifestAsFound() -> Manifest {
        var found = manifest
        for (index, time) in otherTimes { found.entries[index].modified = time }
        return found
    }

    /// Whether an entry's content is what the manifest says, as far as its status tells.
    @inline(__always)
    func vouches(for index: Int, _ status: FileStatus) -> Bool {
        let stamp = stamps[index]
        let entry = manifest.entries[index]
        guard stamp.inode == status.inode, stamp.changed == status.changed, modified(of: index) == status.modified,
            entry.isMet(byMode: status.mode) || entry.kind == .symbolicLink
        else { return false }
        switch entry.kind {
        case .file: guard status.kind == .file, entry.size == status.size else { return false }
        case .directory: guard status.kind == .directory else { return false }
        case .symbolicLink: guard status.kind == .symbolicLink else { return false }
        }
        // Racily clean: a write in the tick in which it was looked at would have left it as it is.
        return !stamp.changed.isUnsettled(at: sealedAt)
    }
}
