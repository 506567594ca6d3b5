// What a switch of `current` may cost a disk without inodes, and what a person hears where it cannot be made. Ring switches;
// the agent's flips tell of it.

import Glibc
import SystemPackage

extension Ring {
    /// An error of ``Ring/pointCurrent(at:isWayBack:)``, with whose the root is.
    ///
    /// - Parameter what: what was not done, as `flip "/srv/www/current"`.
    func switchFailure(_ what: (String) -> String, _ error: Errno) -> SlotSyncError {
        let current = quoted(path + "/current")
        if error == .resourceBusy {
            return SlotSyncError(
                .system,
                "cannot \(what(current)): something is mounted on it. Unmount it (umount "
                    + "\(ShellWords.quoted(path + "/current"))), then run the command again", errno: error)
        }
        if error == .diskQuotaExceeded {
            return SlotSyncError(
                .system,
                "cannot \(what(current)): a disk quota is used up, and this file system renames nothing then. Raise it (`quota` or "
                    + "`btrfs qgroup show` tells), or remove what is not needed, then run the command again",
                errno: error)
        }
        let places = [(try? root.moreStatus(), path), (try? root.moreStatus(of: "current"), path + "/current")]
        let failure = standingFailure(
            "cannot \(what(current))", at: path, error, places, then: ", then run the command again")
        if let failure { return failure }
        guard error == .permissionDenied || error == .notPermitted,
            let owner = try? root.status().owner, owner != geteuid()
        else { return SlotSyncError(.system, "cannot \(what(current))", errno: error) }
        let (own, other) = (userName(of: geteuid()), userName(of: owner))
        let command = "chown \(accountName(of: geteuid())) \(ShellWords.quoted(path))"
        return SlotSyncError(
            .system,
            "cannot \(what(current)): root \(quoted(path)) belongs to \(other), and the agent runs as \(own). Give it to "
                + "that user (\(command), as root), or log in as \(other)",
            errno: error)
    }

    /// An error of a state that was to be written.
    ///
    /// - Parameter then: what there is to do when the cause is mended.
    func stateFailure(_ error: any Error, then: String = "") -> SlotSyncError {
        let file = path + "/.slotsync/state"
        let sentence = "the state \(quoted(file)) could not be written"
        guard let errno = error as? Errno else { return error as? SlotSyncError ?? SlotSyncError(.system, sentence) }
        let places = [
            (try? metadata.moreStatus(), path + "/.slotsync"), (try? metadata.moreStatus(of: StateFile.name), file),
        ]
        return standingFailure(sentence, at: file, errno, places, then: then)
            ?? SlotSyncError(.system, sentence, errno: errno)
    }

    /// So much room is made at a time; a rename needs far less.
    private static let roomForWayBack: UInt64 = 64 << 20

    /// Removes some of what stages have filled in and did not finish: btrfs needs some room for a rename, where a quota is
    /// used up. What may be somebody's own stays.
    ///
    /// - Returns: what a person should know of what was removed; nil: there was nothing.
    func giveUpStaged(sparing spared: Int) -> [String]? {
        var given: [Int] = []
        var freed: UInt64 = 0
        for slot in status.numbers where slot != spared && slot != status.live && status[slot].state == .staging {
            guard case .interrupted(let target, _) = past(of: slot, record: nil), let folder = try? slotThere(slot)
            else {
                continue
            }
            let tree = OpenDirectories(root: folder, manifest: target)
            let before = freed
            for (index, entry) in target.entries.enumerated() where entry.kind == .file && freed < Self.roomForWayBack {
                guard let parent = try? tree.parent(of: index) else { continue }
                target.withName(of: index) { name in
                    guard let status = try? parent.status(of: name), status.size > 0,
                        Self.isOfTheStage(status, name, in: parent, entry), (try? parent.remove(name)) != nil
                    else { return }
                    freed = freed.addingSaturated(status.size)
                }
            }
            if freed > before { given.append(slot) }
        }
        let saved = removeSaved()
        guard saved || !given.isEmpty else { return nil }
        // Only then it counts as free.
        try? slotsDirectory.synchronizeFileSystem()
        return given.map {
            "slot \($0) has lost what an unfinished stage had put there, to have room for the way back; stage again"
        }
    }

    /// Removes what was saved for the next stage, of which nobody needs to know: it travels once more.
    ///
    /// - Returns: whether there was anything.
    private func removeSaved() -> Bool {
        let saved = ((try? temporary.names()) ?? []).filter { ContentDigest($0) != nil }
        return saved.count { (try? temporary.remove($0)) != nil } > 0
    }

    /// Whether a file in a slot that is being filled is the stage's own for sure: half written, or with the release's content.
    private static func isOfTheStage(
        _ status: FileStatus, _ name: UnsafePointer<CChar>, in folder: Directory, _ entry: Entry
    ) -> Bool {
        // With a second name it would free nothing.
        guard status.kind == .file, status.links == 1 else { return false }
        if SlotWriter.isInTheMaking(mode: status.mode, size: status.size, of: entry) { return true }
        guard status.size == entry.size, status.modified == entry.modified,
            let file = try? folder.openFile(name, O_RDONLY | O_NONBLOCK)
        else { return false }
        defer { try? file.close() }
        return (try? file.contentDigest(AgentProgress())) == entry.digest
    }

    /// Removes a file of the ring's own, so that a disk without inodes has one for the way back: what was saved for
    /// the next stage, a note of one that was interrupted, the record of a slot that the switch is not about, at last
    /// that of the slot which is left.
    ///
    /// - Returns: what a person should know of what was removed; nil: there is none left.
    func giveUpFile(sparing slot: Int) -> [String]? {
        if removeSaved() || status.numbers.contains(where: { (try? removeStagingNote(of: $0)) != nil }) { return [] }
        let others = status.numbers.filter { $0 != slot && $0 != status.live } + [status.live].compactMap { $0 }
        guard let given = others.first(where: { $0 != slot && (try? records.remove("\($0)")) != nil }) else {
            return nil
        }
        guard status[given].state.isSealed else { return [] }
        return [
            "the record of slot \(given) was given up to have an inode for the way back, so nobody knows any more whether "
                + "the slot is whole: stage its release again before you flip to it"
        ]
    }
}
