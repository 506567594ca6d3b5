// What a stage says before it fills a slot: what others put there and what becomes of it, what of the release will not be
// as it should, who still uses the slot. AgentStage asks for these in turn.

import Glibc
import SystemPackage

extension AgentSession {
    /// Does with foreign entries what the controller asks for: takes from `change` what stays, or refuses.
    ///
    /// - Returns: what stays, and what a person is told when the slot is filled.
    func settle(
        _ foreign: ForeignEntries, _ change: inout SlotChange, for target: Manifest, _ request: StageRequest, slot: Int
    ) throws -> (kept: ForeignEntries.Kept, fate: String?) {
        let place = "slot \(slot) in \(quoted(root))"
        guard foreign.isKnown else {
            let text =
                "the record of \(place) is missing or damaged, so what others put there cannot be told from its release"
            guard request.foreign == .remove else {
                throw SlotSyncError(
                    .notReady,
                    "\(text): nothing was changed. Move what you need away, then stage with `foreign: remove`")
            }
            return (ForeignEntries.Kept(), "\(text): all that the new release does not have goes")
        }
        guard let going = foreign.text(ofGoing: change.obsolete) else { return (ForeignEntries.Kept(), nil) }
        switch request.foreign {
        case .remove:
            return (ForeignEntries.Kept(), "\(request.dryRun ? "would be removed" : "removed") from \(place): \(going)")
        case .refuse:
            throw SlotSyncError(
                .notReady,
                "\(place) holds \(going): nothing was changed. Move it away, then stage again, or stage with "
                    + "`--keep-foreign` or `--remove-foreign`")
        case .keep:
            let (kept, conflicts) = foreign.keeping(from: change, for: target)
            guard conflicts.isEmpty else {
                throw SlotSyncError(
                    .notReady,
                    "\(place) holds what cannot be kept, since it was changed or the release has something else there: "
                        + "\(namedPaths(conflicts)). Nothing was changed; move it away, then stage again")
            }
            change.obsolete.removeAll { kept.entries.contains($0) }
            let fate = request.dryRun ? "would be kept" : "kept"
            return (kept, "\(fate) in \(place) beside the release: \(going)")
        }
    }

    /// Says where the group of entries stays another one than the root's.
    func warnOfGroup(_ group: RingGroup?, _ actual: SlotContent, of slot: Int) throws {
        guard let group, !group.canBeSet else { return }
        let folders = actual.otherGroup.filter { actual.manifest.entries[$0].kind == .directory }
        guard !group.isInherited || !folders.isEmpty else { return }
        let what =
            group.isInherited
            ? NumberText.count(folders.count, "folder") + " of slot \(slot)" : "new entries of slot \(slot)"
        try connection.send(
            .warning(
                "\(what) cannot be given the group of \(quoted(root)): the agent, which runs as "
                    + "\(userName(of: geteuid())), is not in it"))
    }

    /// Says where users beside the owner cannot read what they can read of the live release: a source made under a narrow
    /// umask, or in a folder of mktemp's, is answered with 403 by a web server.
    func warnOfModes(_ target: Manifest, _ ring: Ring, _ records: SlotRecords) throws {
        let closed: [Int]
        if let live = ring.status.live {
            guard let before = records.record(of: live)?.manifest else { return }
            closed = before.entriesClosed(in: target)
        } else {
            closed = target.entries[0].mode & 0o055 == 0 ? [0] : []
        }
        guard !closed.isEmpty else { return }
        let named = closed.prefix(3).map { index in
            let path = index == 0 ? "its top folder" : quoted(String(decoding: target.path(of: index), as: UTF8.self))
            return "\(path) (mode \(String(target.entries[index].mode, radix: 8)))"
        }
        let more = closed.count > named.count ? " and \(NumberText.count(closed.count - named.count)) more" : ""
        let place = ring.status.live == nil ? "" : " where the live one lets them read such"
        try connection.send(
            .warning(
                "the release is closed to other users\(place), in \(NumberText.count(closed.count, "entry", plural: "entries")): "
                    + "\(named.joined(separator: ", "))\(more). A web server of another user cannot read that; `--chmod go+rX` "
                    + "opens it"))
    }

    /// Says which processes still use the slot that is about to be filled.
    func warnOfUsers(of slot: Int, in ring: Ring) throws {
        guard ring.status[slot].state != .empty, let directory = try ring.slotThere(slot) else { return }
        let users = ProcessTable.users(of: directory)
        guard !users.isEmpty else { return }
        try connection.send(
            .warning(
                "slot \(slot) in \(quoted(root)) is still in use while it is filled, by \(users.prefix(5).joined(separator: ", "))"
                    + (users.count > 5 ? " and \(NumberText.count(users.count - 5)) more" : "")
                    + ": they may read files of two releases; restart them, or give the ring more slots"))
    }
}
