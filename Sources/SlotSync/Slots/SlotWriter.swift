// The slot that a stage fills, and the only ways in which files come into it: made, finished, removed. SlotFiller and
// FrameApplier change a slot's files through a writer; whoever works in the slot says by `failure` what went wrong.

import Glibc
import SystemPackage

/// The slot that a stage fills, and what it is filled with.
struct StageSlot: Sendable {
    let number: Int
    let path: String
    let directory: Directory
    let target: Manifest
    let progress: AgentProgress
    /// How many bytes the stage writes, in whole blocks.
    let plannedBytes: UInt64

    init(_ number: Int, of ring: Ring, target: Manifest, plan: StagePlan, progress: AgentProgress) throws {
        self.number = number
        path = "\(ring.path)/slots/\(number)"
        directory = try ring.openSlot(number)
        self.target = target
        self.progress = progress
        plannedBytes = plan.receivedBytes + plan.copiedBytes
    }

    /// Says that something could not be done to an entry of the release.
    func failure(_ what: String, _ index: Int, _ error: Errno) -> SlotSyncError {
        failure(what, target.path(of: index), error)
    }

    /// Where something in the slot is, for a person; empty: the slot itself.
    func shownPath(of entry: [UInt8]) -> String {
        entry.isEmpty ? path : "\(path)/\(String(decoding: entry, as: UTF8.self))"
    }

    /// The same of a path in the slot.
    func failure(_ what: String, _ entry: [UInt8], _ error: Errno) -> SlotSyncError {
        let path = quoted(shownPath(of: entry))
        // What no check before could see: a mount that came meanwhile.
        if error == .resourceBusy || error == .improperLink, let point = mountPoint(at: entry) {
            let place = "\(self.path)/\(point)"
            return SlotSyncError(
                .system,
                "cannot \(what) \(path), since something is mounted on \(quoted(place)): unmount it (umount "
                    + "\(ShellWords.quoted(place))), then stage again", errno: error)
        }
        let lack = "the stage needs \(byteText(plannedBytes))"
        switch error {
        case .noSpace: break
        case .diskQuotaExceeded:
            return SlotSyncError(
                .diskFull,
                "the disk quota of \(userName(of: geteuid())), or of the folder's project, is used up while writing \(path) "
                    + "(\(lack)): raise it (`quota` shows it), or make room, then stage again", errno: error)
        case .fileTooLarge:
            return SlotSyncError(
                .system,
                "cannot \(what) \(path): it is larger than the agent's processes may make files (ulimit -f of "
                    + "\(userName(of: geteuid()))), or than the file system keeps them: raise the limit, then stage again",
                errno: error)
        default: return SlotSyncError(.system, "cannot \(what) \(path)", errno: error)
        }
        let space = try? FileSystemSpace(of: directory.descriptor)
        guard space?.freeInodes != 0 else {
            return SlotSyncError(
                .diskFull, "disk full while writing \(path): \(space?.lack ?? ""), then stage again", errno: error)
        }
        return SlotSyncError(
            .diskFull,
            "disk full: needs \(byteText(plannedBytes)), \(byteText(space?.freeBytes ?? 0)) free while writing \(path): make "
                + "room, then stage again", errno: error)
    }

    /// The mount point at a path in the slot, or above it; nil: there is none.
    private func mountPoint(at entry: [UInt8]) -> String? {
        let components = entry.split(separator: UInt8(ascii: "/"))
        var folder = directory
        for (level, name) in components.enumerated() {
            let name = name.map { CChar(bitPattern: $0) } + [0]
            guard let status = try? folder.moreStatus(of: name) else { return nil }
            if status.isMountPoint {
                return String(
                    decoding: Array(components[...level].joined(separator: [UInt8(ascii: "/")])), as: UTF8.self)
            }
            guard let next = try? folder.openDirectory(name) else { return nil }
            folder = next
        }
        return nil
    }

    /// Takes a step that is about one entry.
    func attempt(_ what: String, _ index: Int, _ step: () throws(Errno) -> Void) throws(SlotSyncError) {
        do { try step() } catch { throw failure(what, index, error) }
    }
}

/// Makes files in a slot.
struct SlotWriter {
    let slot: StageSlot
    let tree: OpenDirectories
    let attributes: NewEntryAttributes
    /// Where entries are made and moved from, so that they have the root's group; nil: they are made where they stay.
    var workshop: Directory?
    /// Whose all that is made is from the start, so that a stage that is cut short leaves nothing which the next one
    /// could not change; nil: the agent's own user.
    var owner: RingOwner?
    /// What is made there, until it is moved.
    static let unfinished = "made"
    /// The mode of a file that has not all of its content yet. Nobody gives a file the sticky bit, which means nothing there:
    /// by it a later stage tells what a killed one was writing from what somebody put there.
    static let modeInTheMaking: UInt16 = 0o1600

    /// Whether a file in a slot is what a stage that was to make `entry` had half written when it was killed.
    static func isInTheMaking(mode: UInt16, size: UInt64, of entry: Entry) -> Bool {
        mode == modeInTheMaking && entry.kind == .file && entry.mode != modeInTheMaking && size <= entry.size
    }

    /// Whether a file is what a power cut leaves of one that the stage had finished: the time outlasts the content, which
    /// is missing from some place on, or zeros. Whoever edits a file changes its time.
    static func isLeftOf(_ entry: Entry, size: UInt64, modified: Timestamp) -> Bool {
        entry.kind == .file && modified == entry.modified && size <= entry.size
    }

    /// Makes an entry's file, empty; the caller writes and closes it.
    func makeFile(_ index: Int) throws(SlotSyncError) -> FileDescriptor {
        do throws(Errno) {
            guard let workshop else {
                let file = try tree.openFile(
                    index, O_WRONLY | O_CREAT | O_EXCL, mode: UInt32(Self.modeInTheMaking))
                do throws(Errno) { try owner?.take(file) } catch {
                    try? file.close()
                    throw error
                }
                return file
            }
            let file = try workshop.openFile(
                Self.unfinished, O_WRONLY | O_CREAT | O_EXCL, mode: UInt32(Self.modeInTheMaking))
            do throws(Errno) { try moveIn(index, from: workshop) } catch {
                try? file.close()
                try? workshop.remove(Self.unfinished)
                throw error
            }
            return file
        } catch { throw slot.failure("write", index, error) }
    }

    func makeDirectory(_ index: Int) throws(SlotSyncError) {
        try slot.attempt("make", index) { () throws(Errno) in
            if let workshop {
                try workshop.makeDirectory(Self.unfinished)
                return try moveIn(index, from: workshop)
            }
            let parent = try tree.parent(of: index)
            try slot.target.withName(of: index) { name throws(Errno) in
                try parent.makeDirectory(name)
                try owner?.take(name, in: parent)
            }
        }
    }

    func makeLink(_ index: Int) throws(SlotSyncError) {
        try slot.attempt("make", index) { () throws(Errno) in
            let parent = try tree.parent(of: index)
            try slot.target.withName(of: index) { name throws(Errno) in
                try slot.target.withLinkText(of: index) { text throws(Errno) in
                    if let workshop {
                        try workshop.makeSymbolicLink(Self.unfinished, to: text)
                        try moveIn(index, from: workshop)
                    } else {
                        try parent.makeSymbolicLink(name, to: text)
                        try owner?.take(name, in: parent)
                    }
                }
                try attributes.finishLink(name, in: parent, index)
            }
        }
    }

    private func moveIn(_ index: Int, from workshop: Directory) throws(Errno) {
        let parent = try tree.parent(of: index)
        let isDirectory = slot.target.entries[index].kind == .directory
        try slot.target.withName(of: index) { name throws(Errno) in
            // A directory replaces an empty one at most.
            if isDirectory {
                try workshop.rename(Self.unfinished, to: name, in: parent)
            } else {
                try workshop.renameExclusively(Self.unfinished, to: name, in: parent)
            }
        }
    }

    /// Gives a file that has its content what else it is to have.
    func finish(_ file: FileDescriptor, _ index: Int) throws(SlotSyncError) {
        try attributes.finish(file, index)
    }

    /// Removes an entry's file, if it is there.
    func remove(_ index: Int) throws(SlotSyncError) {
        do {
            let parent = try tree.parent(of: index)
            try slot.target.withName(of: index) { name throws(Errno) in try parent.remove(name) }
        } catch {
            if error != .noSuchFileOrDirectory { throw slot.failure("remove", index, error) }
        }
    }
}
