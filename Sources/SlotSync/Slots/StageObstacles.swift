// Finds what would stop a stage in the middle, before it touches anything: mounts, folders and files of other users that
// the agent may not change, files that nobody may change. AgentStage refuses by what this names.

import Glibc
import SystemPackage

/// Looks for what cannot be changed.
struct StageObstacles {
    let ring: Ring
    let slot: Int

    private var slotPath: String { "\(ring.path)/slots/\(slot)" }
    private var agentUser: String { userName(of: geteuid()) }
    private var agentAccount: String { accountName(of: geteuid()) }
    /// How many are named.
    private static let mostNamed = 3

    // MARK: Mounts

    /// Refuses where something is mounted in the slot, or in what belongs to the ring alone: it is not SlotSync's, and to
    /// fill the slot would empty it.
    func checkMounts() throws {
        if let points = MountTable.points(below: ring.root) {
            try refuseMounts(points.map { String(decoding: $0, as: UTF8.self) }.filter(isInTheWay))
            // Where `slots` is a link or a mount of its own, its path is another one.
            let below = try ring.slotThere(slot).flatMap { MountTable.points(below: $0) } ?? []
            try refuseMounts(below.map { "slots/\(slot)/" + String(decoding: $0, as: UTF8.self) })
            return
        }
        var mounted: [String] = []
        func look(_ name: String, in directory: Directory, _ path: String) {
            if (try? directory.moreStatus(of: name))?.isMountPoint == true { mounted.append(path) }
        }
        look("\(slot)", in: ring.slotsDirectory, "slots/\(slot)")
        look(".slotsync", in: ring.root, ".slotsync")
        look("tmp", in: ring.metadata, ".slotsync/tmp")
        look("slots", in: ring.metadata, ".slotsync/slots")
        for name in (try? ring.temporary.names()) ?? [] { look(name, in: ring.temporary, ".slotsync/tmp/\(name)") }
        try refuseMounts(mounted)
    }

    /// The same of what a walk found, for where /proc tells nothing.
    func checkMounts(in content: SlotContent) throws {
        try refuseMounts(content.mounts.map { "slots/\(slot)/" + String(decoding: $0, as: UTF8.self) })
        guard !content.isAsSealed, MountTable.points(below: ring.root) == nil, let directory = try ring.slotThere(slot)
        else { return }
        let tree = OpenDirectories(root: directory, manifest: content.manifest)
        let files = content.manifest.entries.indices.filter { content.manifest.entries[$0].kind == .file }
        let mounted = files.filter { (try? tree.moreStatus(of: $0))?.isMountPoint == true }
        try refuseMounts(
            mounted.map { "slots/\(slot)/" + String(decoding: content.manifest.path(of: $0), as: UTF8.self) })
    }

    private func isInTheWay(_ path: String) -> Bool {
        path == ".slotsync" || path.hasPrefix(".slotsync/") || path == "slots/\(slot)"
            || path.hasPrefix("slots/\(slot)/")
    }

    private func refuseMounts(_ paths: [String]) throws(SlotSyncError) {
        guard let first = paths.first else { return }
        let path = "\(ring.path)/\(first)"
        let more = paths.count > 1 ? ", and on \(NumberText.count(paths.count - 1)) more below it" : ""
        let place = first.hasPrefix(".slotsync") ? "the ring's own folder" : "slot \(slot), which the release goes into"
        throw SlotSyncError(
            .notReady,
            "something is mounted on \(quoted(path))\(more), in \(place): nothing was changed. Unmount it (umount "
                + "\(ShellWords.quoted(path))), or mount it below \(quoted(ring.path + "/shared")) and stage with --shared"
        )
    }

    // MARK: Rights

    /// Refuses where the change cannot be made whole.
    func check(_ change: SlotChange, from actual: SlotContent, to target: Manifest) throws {
        try checkRingFolders()
        guard let directory = try ring.slotThere(slot) else { return }
        let tree = OpenDirectories(root: directory, manifest: actual.manifest)
        var found: [String] = []
        var more = 0
        func note(_ text: @autoclosure () -> String) {
            if found.count < Self.mostNamed { found.append(text()) } else { more += 1 }
        }
        func shown(_ index: Int) -> String {
            let path = String(decoding: actual.manifest.path(of: index), as: UTF8.self)
            return index == 0 ? slotPath : "\(slotPath)/\(path)"
        }
        func extendedDiffer(_ index: Int, _ counterpart: Int) -> Bool {
            actual.manifest.hasExtendedAttributes
                && !target.extendedAttributes[counterpart].isMet(by: actual.manifest.extendedAttributes[index])
        }
        let isTouched = touchedFolders(change, actual, target)
        let counterparts = change.counterparts(count: actual.manifest.count)
        for (index, entry) in actual.manifest.entries.enumerated() {
            let counterpart = Int(counterparts[index])
            let goes = counterpart < 0 && index > 0
            let changes =
                counterpart >= 0 && entry.kind != .symbolicLink
                && (target.entries[counterpart].mode != entry.mode
                    || target.entries[counterpart].modified != entry.modified
                    || extendedDiffer(index, counterpart))
            let owner = actual.owners[index]
            if entry.kind == .directory, let owner {
                if isTouched[index], !tree.canWrite(in: index) {
                    note(
                        "\(quoted(shown(index))) belongs to \(userName(of: owner)) and cannot be written: \(remedy(shown(index)))"
                    )
                } else if counterpart >= 0, target.entries[counterpart].mode != entry.mode {
                    note(
                        "\(quoted(shown(index))) belongs to \(userName(of: owner)), so its mode cannot be set: "
                            + remedy(shown(index)))
                } else if counterpart >= 0, extendedDiffer(index, counterpart) {
                    note(
                        "\(quoted(shown(index))) belongs to \(userName(of: owner)), so its extended attributes cannot be set: "
                            + remedy(shown(index)))
                }
            }
            if goes, let owner, actual.manifest.entries[Int(entry.parent)].mode & 0o1000 != 0,
                actual.owners[Int(entry.parent)] != nil
            {
                note(
                    "\(quoted(shown(index))) belongs to \(userName(of: owner)), in a folder where only owners remove "
                        + "(sticky bit): \(remedy(shown(index)))")
            }
            if !actual.isAsSealed, goes || changes || isTouched[index],
                (try? tree.moreStatus(of: index))?.isImmutable == true
            {
                note(
                    "\(quoted(shown(index))) may not be changed by anybody: chattr -i -a \(ShellWords.quoted(shown(index)))"
                )
            }
        }
        guard !found.isEmpty else { return }
        if more > 0 { found.append("and \(NumberText.count(more)) more") }
        throw SlotSyncError(
            .notReady,
            "slot \(slot) cannot be filled by the agent, which runs as \(agentUser): \(found.joined(separator: "; ")). "
                + "Nothing was changed; stage again afterwards")
    }

    private func remedy(_ path: String) -> String {
        "chown -R \(agentAccount) \(ShellWords.quoted(path)), or remove it"
    }

    /// Folders of the slot that entries come into, or go from.
    private func touchedFolders(_ change: SlotChange, _ actual: SlotContent, _ target: Manifest) -> [Bool] {
        var isTouched = [Bool](repeating: false, count: actual.manifest.count)
        for index in change.obsolete { isTouched[Int(actual.manifest.entries[index].parent)] = true }
        for index in target.entries.indices where change.kept[index] < 0 {
            let folder = Int(change.kept[Int(target.entries[index].parent)])
            if folder >= 0 { isTouched[folder] = true }
        }
        for path in actual.specials {
            if let folder = actual.manifest.entry(at: path.split(separator: UInt8(ascii: "/")).dropLast()) {
                isTouched[folder] = true
            }
        }
        return isTouched
    }

    /// Refuses where the ring's own folders and files cannot be written.
    private func checkRingFolders() throws {
        let written = [
            (ring.metadata, "", ".slotsync"), (ring.metadata, StateFile.name, ".slotsync/\(StateFile.name)"),
            (ring.records, "", ".slotsync/slots"), (ring.records, "\(slot)", ".slotsync/slots/\(slot)"),
            (ring.records, ring.noteName(slot), ".slotsync/slots/\(ring.noteName(slot))"),
        ]
        for (folder, name, place) in written where (try? folder.moreStatus(of: name))?.isImmutable == true {
            let path = "\(ring.path)/\(place)"
            throw SlotSyncError(
                .notReady,
                "\(quoted(path)) may not be changed by anybody: chattr -i -a \(ShellWords.quoted(path)). Nothing was changed; "
                    + "stage again afterwards")
        }
        let folders = [
            (ring.root, ring.path), (ring.metadata, ring.path + "/.slotsync"),
            (ring.records, ring.path + "/.slotsync/slots"), (ring.temporary, ring.path + "/.slotsync/tmp"),
        ]
        for (folder, path) in folders {
            do { try folder.checkWritable() } catch { throw refusal(of: folder, path, error) }
        }
        // Where slots are on a file system of their own. Who may write is asked folder by folder.
        do { try ring.slotThere(slot)?.checkWritable() } catch let error as Errno {
            if error == .readOnlyFileSystem { throw refusal(of: ring.slotsDirectory, slotPath, error) }
        }
    }

    private func refusal(of folder: Directory, _ path: String, _ error: Errno) -> SlotSyncError {
        let remedy: String
        switch error {
        case .readOnlyFileSystem:
            remedy =
                "\(quoted(path)) is on a file system that can only be read: make it writable (mount -o remount,rw), and look "
                + "into the kernel's log, since a damaged disk is mounted so"
        case .permissionDenied:
            let owner = try? folder.status().owner
            remedy =
                "\(quoted(path)) belongs to \(owner.map { userName(of: $0) } ?? "another user"), and the agent, which runs as "
                + "\(agentUser), cannot write there: name the host as \(owner.map { loginText(of: $0) } ?? "OWNER@HOST"), or "
                + "give it to \(agentUser) (chown -R \(accountName(of: geteuid())) \(ShellWords.quoted(path)))"
        default: remedy = "the agent, which runs as \(agentUser), cannot write in \(quoted(path))"
        }
        return SlotSyncError(.system, "\(remedy). Nothing was changed", errno: error)
    }
}

extension OpenDirectories {
    func moreStatus(of index: Int) throws(Errno) -> MoreStatus {
        if index == 0 { return try root.moreStatus() }
        let parent = try parent(of: index)
        return try manifest.withName(of: index) { (name) throws(Errno) in try parent.moreStatus(of: name) }
    }

    fileprivate func canWrite(in index: Int) -> Bool {
        (try? directory(UInt32(index), isKept: false).checkWritable()) != nil
    }
}
