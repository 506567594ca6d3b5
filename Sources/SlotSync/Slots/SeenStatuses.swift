// What a slot's entries were like when it was looked at. Between that look and the moment when a file is moved, or its
// time is set, somebody may have written to it, and the time that is set would hide it: whoever does that asks here first.

import Glibc
import SystemPackage

/// The stamps of a slot's entries at one look.
struct SeenStatuses: Sendable {
    /// One for each entry that was found.
    var stamps: [SlotRecord.Stamp]
    /// The file clock when the look began.
    var moment: Timestamp

    /// Whether an entry is what it was, as far as its status tells.
    func isSame(_ entry: Int, as status: FileStatus) -> Bool {
        stamps[entry] == SlotRecord.Stamp(status) && !stamps[entry].changed.isUnsettled(at: moment)
    }
}

extension SlotContent {
    /// Whether an entry's content is what was found at the look, though another process works in the slot. What its
    /// status does not tell is read.
    func isUnchanged(_ entry: Int, _ name: UnsafePointer<CChar>, in parent: Directory, _ progress: AgentProgress)
        -> Bool
    {
        guard let status = try? parent.status(of: name) else { return false }
        if seen.isSame(entry, as: status) { return true }
        switch manifest.entries[entry].kind {
        case .file:
            guard status.kind == .file, status.size == manifest.entries[entry].size else { return false }
            guard let file = try? parent.openFile(name, O_RDONLY | O_NONBLOCK) else { return false }
            defer { try? file.close() }
            return (try? file.hasContent(of: entry, in: manifest, progress)) ?? false
        case .symbolicLink:
            return (try? parent.readLink(name)).map { manifest.linkText(of: entry).elementsEqual($0) } ?? false
        case .directory: return status.kind == .directory
        }
    }
}
