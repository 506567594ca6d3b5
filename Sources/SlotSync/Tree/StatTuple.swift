// What stands for a file's content without reading it, as in git's index: if none of these changed
// since the content was hashed, the content did not either, unless the stamp is racily clean.

/// The part of a file's status that every write changes.
struct StatTuple: Hashable, Sendable {
    var size: UInt64
    var modified: Timestamp
    var changed: Timestamp
    var inode: UInt64
    var device: UInt64

    init(_ status: FileStatus) {
        size = status.size
        modified = status.modified
        changed = status.changed
        inode = status.inode
        device = status.device
    }

    init(size: UInt64, modified: Timestamp, changed: Timestamp, inode: UInt64, device: UInt64) {
        self.size = size
        self.modified = modified
        self.changed = changed
        self.inode = inode
        self.device = device
    }

    /// Whether a write in the same tick of the file clock could have left this tuple as it is, if the
    /// tuple was taken at `moment`: then it says nothing, and the content has to be hashed.
    func isRacilyClean(takenAt moment: Timestamp) -> Bool { changed.isUnsettled(at: moment) }
}

extension Timestamp {
    /// Whether a write at `moment` could be stamped with this same time as the one before.
    ///
    /// A time without nanoseconds hints at a file system that stamps whole seconds.
    func isUnsettled(at moment: Timestamp) -> Bool {
        let window = nanoseconds == 0 ? 2_000_000_000 : 2 * Timestamp.fileClockTick
        return !(adding(nanoseconds: window) < moment)
    }
}
