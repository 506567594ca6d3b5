// A root on a host: opens or makes its ring, holds its lock, and keeps `.slotsync/state`. Every change of a slot's
// state or of `current` goes through here. The files beside this one fill the slots.

import Glibc
import SystemPackage

/// An open root with a ring of slots in it.
final class Ring {
    /// How many slots a ring gets where nothing else is said.
    static let usualSlotCount = 5

    let path: String
    let root: Directory
    /// `.slotsync`, `.slotsync/slots`, `.slotsync/tmp` and `slots`.
    let metadata: Directory
    let records: Directory
    let temporary: Directory
    let slotsDirectory: Directory
    private(set) var state: RingState
    private var lock: FileDescriptor?
    /// What the lock's note says.
    private var holder = ""

    private init(path: String, root: Directory, metadata: Directory, state: RingState) throws {
        self.path = path
        self.root = root
        self.metadata = metadata
        records = try Ring.open("slots", in: metadata, path: "\(path)/.slotsync/slots")
        temporary = try Ring.open("tmp", in: metadata, path: "\(path)/.slotsync/tmp")
        slotsDirectory = try Ring.open("slots", in: root, path: "\(path)/slots")
        self.state = state
    }

    deinit { unlock() }

    // MARK: Opening and making

    /// Opens a root that exists.
    static func openRoot(_ path: String) throws(SlotSyncError) -> Directory {
        do { return try Directory(path: FilePath(path), staysOnMount: true) } catch {
            switch error {
            case .noSuchFileOrDirectory:
                throw SlotSyncError(
                    .notARing,
                    "root \(quoted(path)) does not exist: make it first, with mkdir -p on the host, or check --root")
            case .notDirectory:
                throw SlotSyncError(.notARing, "root \(quoted(path)) is no directory: check --root")
            default: throw SlotSyncError(.system, "cannot open root \(quoted(path))", errno: error)
            }
        }
    }

    /// Opens the ring in `path`; nil where the root holds none yet and could become one.
    static func open(_ path: String) throws -> Ring? {
        let root = try openRoot(path)
        let metadata: Directory
        do { metadata = try root.openMountedDirectory(".slotsync") } catch {
            if error == .permissionDenied {
                throw failure(to: "open", path + "/.slotsync", of: try? root.status(of: ".slotsync").owner, error)
            }
            guard error == .noSuchFileOrDirectory else {
                throw SlotSyncError(.notARing, "cannot open \(quoted(path + "/.slotsync"))", errno: error)
            }
            try requireNothingForeign(in: root, path: path)
            return nil
        }
        guard let bytes = try metadata.contents(of: "state", atMost: RingState.largestFile) else {
            // The making of this ring was interrupted before anything was in it.
            try requireNothingForeign(in: root, path: path)
            return nil
        }
        let stored = try RingState(decoding: bytes, path: "\(path)/.slotsync/state")
        let current = try currentSlot(in: root, path: path, slotCount: stored.status.slots.count)
        return try Ring(
            path: path, root: root, metadata: metadata, state: stored.reconciled(with: current, root: path))
    }

    /// Makes a ring in a root that holds nothing.
    static func make(_ path: String, slotCount: Int) throws -> Ring {
        let root = try openRoot(path)
        try requireNothingForeign(in: root, path: path)
        do {
            try root.makeDirectoryIfMissing(".slotsync", mode: 0o700)
            let metadata = try root.openDirectory(".slotsync")
            try metadata.makeDirectoryIfMissing("slots", mode: 0o700)
            try metadata.makeDirectoryIfMissing("tmp", mode: 0o700)
            for name in ["slots", "shared"] {
                // Not narrowed by a umask: the web server, another user, goes through them to what is live.
                guard let status = try? root.status(of: name) else {
                    try root.makeDirectoryUnmasked(name, mode: 0o755)
                    continue
                }
                if name == "slots", status.mode & 0o755 != 0o755 {
                    try root.setMode(of: name, to: status.mode | 0o755)
                }
            }
            let slots = try root.openMountedDirectory("slots")
            for slot in 1...slotCount {
                do { try slots.makeDirectoryUnmasked("\(slot)", mode: 0o755) } catch {
                    guard error == .fileExists else { throw error }
                }
            }
            let ring = try Ring(path: path, root: root, metadata: metadata, state: RingState(slotCount: slotCount))
            try ring.acquireLock(for: "making the ring")
            try slots.synchronize()
            try ring.save()
            try root.synchronize()
            return ring
        } catch let error as Errno {
            let user = userName(of: geteuid())
            throw SlotSyncError(
                .system,
                "cannot make a ring in root \(quoted(path)), which belongs to \(userName(of: try root.status().owner)) "
                    + "(the agent runs as \(user)): give it to that user, or log in as another", errno: error)
        }
    }

    /// Refuses to adopt a root in which anything stands that is not ours.
    private static func requireNothingForeign(in root: Directory, path: String) throws {
        let migrate =
            "SlotSync adopts no folder that it did not make: use an empty root, or follow \"Moving from a "
            + "hand-made `current`\" in docs/operations.md"
        let names = try naming("list root", path) { try root.names() }
        let foreign = names.filter { !["shared", "slots", ".slotsync", "lost+found"].contains($0) }
        if foreign.contains("current") {
            let what: String
            if let target = try? root.readLink("current") {
                what = "a link to \(quoted(String(decoding: target, as: UTF8.self)))"
            } else {
                what = "no link"
            }
            throw SlotSyncError(
                .notARing, "root \(quoted(path)) holds no ring, but a `current` that is \(what). \(migrate)")
        }
        if !foreign.isEmpty {
            let names = foreign.sorted().prefix(3).map { quoted($0) }.joined(separator: ", ")
            throw SlotSyncError(.notARing, "root \(quoted(path)) is no ring, and holds \(names). \(migrate)")
        }
        // `slots` may be there from a making that was interrupted: then its folders are empty.
        if let slots = try? root.openMountedDirectory("slots") {
            for text in try naming("list", path + "/slots", { try slots.names() }) {
                guard let slot = try? slots.openMountedDirectory(text), try slot.isEmpty else {
                    throw SlotSyncError(
                        .notARing,
                        "root \(quoted(path)) is no ring, and \(quoted("slots/" + text)) is not empty. \(migrate)")
                }
            }
        }
    }

    private static func open(_ name: String, in directory: Directory, path: String) throws(SlotSyncError) -> Directory {
        do { return try directory.openMountedDirectory(name) } catch {
            if error == .permissionDenied {
                throw failure(to: "open", path, of: try? directory.status(of: name).owner, error)
            }
            throw SlotSyncError(.notARing, "the ring lacks its folder \(quoted(path)): restore it", errno: error)
        }
    }

    /// The slot that `current` points at; nil where there is no `current`.
    private static func currentSlot(in root: Directory, path: String, slotCount: Int) throws(SlotSyncError) -> Int? {
        func foreign(_ what: String, first step: String) -> SlotSyncError {
            SlotSyncError(
                .notARing,
                "\(quoted(path + "/current")) is \(what), not a link to a slot of this ring (slots/1 to "
                    + "slots/\(slotCount)): \(step), for example: ln -sfn slots/1 \(path)/current")
        }
        let text: String
        do { text = String(decoding: try root.readLink("current"), as: UTF8.self) } catch {
            if error == .noSuchFileOrDirectory { return nil }
            if error == .invalidArgument {
                throw foreign("a file or a folder", first: "move it away and put the link back")
            }
            throw SlotSyncError(.system, "cannot read \(quoted(path + "/current"))", errno: error)
        }
        guard text.hasPrefix("slots/"), let slot = Int(text.dropFirst(6)), (1...slotCount).contains(slot),
            text == "slots/\(slot)"
        else { throw foreign("a link to \(quoted(text))", first: "put the link back") }
        return slot
    }

    // MARK: Lock and state

    /// Takes the root's lock without waiting. Where it is held already, it is held for this purpose from now on.
    ///
    /// - Parameter purpose: what is done, and for whom: what others are told who want the lock.
    func acquireLock(for purpose: String) throws {
        guard lock == nil else { return noteHolder(purpose) }
        let file: FileDescriptor
        do { file = try metadata.openFile("lock", O_RDWR | O_CREAT, mode: 0o600) } catch {
            throw SlotSyncError(.system, "cannot open the lock \(quoted(path + "/.slotsync/lock"))", errno: error)
        }
        do { try systemCall { flock(file.rawValue, LOCK_EX | LOCK_NB) } } catch {
            defer { try? file.close() }
            guard error == .wouldBlock || error == .resourceTemporarilyUnavailable else {
                throw failure(to: "take the lock", path + "/.slotsync/lock", error)
            }
            var note = [UInt8](repeating: 0, count: 512)
            let count = (try? note.withUnsafeMutableBytes { try file.readFully(at: 0, into: $0) }) ?? 0
            let holder = String(decoding: note.prefix(count), as: UTF8.self).split(separator: "\n").first
            let since = (try? file.status()).map { utcText($0.modified.seconds) } ?? "an unknown time"
            throw SlotSyncError(
                .locked,
                "root \(quoted(path)) is locked by \(holder.map { quoted($0) } ?? "another program") since \(since): "
                    + "wait until that has ended, then run the command again")
        }
        lock = file
        noteHolder(purpose)
        // Another command may have changed the state between our look at it and the lock.
        if let bytes = try metadata.contents(of: "state", atMost: RingState.largestFile) {
            let stored = try RingState(decoding: bytes, path: "\(path)/.slotsync/state")
            let current = try Ring.currentSlot(in: root, path: path, slotCount: stored.status.slots.count)
            state = try stored.reconciled(with: current, root: path)
        }
    }

    /// Writes what the lock is held for from now on; without the lock, nothing. The file's time says since when. Only a
    /// person reads it: a disk too full for it holds up nothing.
    func noteHolder(_ purpose: String) {
        guard let lock, purpose != holder else { return }
        holder = purpose
        try? lock.setLength(0)
        try? Array("\(purpose), pid \(getpid())\n".utf8).withUnsafeBytes { try lock.writeFully($0, at: 0) }
    }

    func unlock() {
        // Said aloud, because a child process that is just being started may hold a copy of the descriptor.
        if let lock { flock(lock.rawValue, LOCK_UN) }
        try? lock?.close()
        lock = nil
        holder = ""
    }

    /// Changes the state, durably before this returns. The lock must be held.
    func update(_ change: (inout RingState) -> Void) throws {
        var changed = state
        change(&changed)
        let before = state
        state = changed
        do { try save() } catch {
            state = before
            throw error
        }
    }

    private func save() throws {
        precondition(lock != nil, "the state of a ring is changed without its lock")
        try metadata.replaceContents(of: "state", by: state.encoded())
    }

    var status: RingStatus { state.status }

    // MARK: Slots

    /// Opens a slot's tree; the folder is made again where somebody removed it.
    func openSlot(_ slot: Int) throws -> Directory {
        do { return try slotsDirectory.openMountedDirectory("\(slot)") } catch {
            if error == .permissionDenied {
                let owner = try? slotsDirectory.status(of: "\(slot)").owner
                throw failure(to: "open slot", "\(path)/slots/\(slot)", of: owner, error)
            }
            guard error == .noSuchFileOrDirectory else {
                throw SlotSyncError(.notARing, "cannot open slot \(quoted("\(path)/slots/\(slot)"))", errno: error)
            }
            return try naming("make slot", "\(path)/slots/\(slot)") {
                try slotsDirectory.makeDirectoryUnmasked("\(slot)", mode: 0o755)
                return try slotsDirectory.openDirectory("\(slot)")
            }
        }
    }

    /// What was in a slot when it was sealed; nil where the record is missing or damaged: then the slot is hashed.
    func record(of slot: Int) throws -> SlotRecord? {
        guard let bytes = try recordBytes(of: slot) else { return nil }
        return try? SlotRecord(decoding: bytes, name: "the record of slot \(slot)")
    }

    /// A slot's record as it is stored.
    func recordBytes(of slot: Int) throws -> [UInt8]? {
        guard status[slot].state.isSealed else { return nil }
        return try records.contents(of: "\(slot)", atMost: SlotRecord.largestFile)
    }

    /// The slot that `current` points at now; nil where there is no `current`.
    func slotOfCurrent() throws(SlotSyncError) -> Int? {
        try Ring.currentSlot(in: root, path: path, slotCount: status.slots.count)
    }

    /// Points `current` at a slot by one rename, and makes that durable; nil takes `current` away.
    ///
    /// - Returns: the wall clock right after the rename.
    func pointCurrent(at slot: Int?) throws -> Timestamp {
        try naming("change", "\(path)/current") {
            guard let slot else {
                try root.remove("current")
                try root.synchronize()
                return .now
            }
            let name = "current.\(getpid())"
            try? temporary.remove(name)
            try naming("make a link in", "\(path)/.slotsync/tmp") {
                try temporary.makeSymbolicLink(name, to: "slots/\(slot)")
            }
            try temporary.rename(name, to: "current", in: root)
            let moment = Timestamp.now
            try root.synchronize()
            return moment
        }
    }
}

/// A moment as people and logs write it: 2026-03-01 12:30:05 UTC.
func utcText(_ seconds: Int64) -> String {
    var time = time_t(seconds)
    var parts = tm()
    gmtime_r(&time, &parts)
    var text = [CChar](repeating: 0, count: 64)
    let count = strftime(&text, text.count, "%Y-%m-%d %H:%M:%S UTC", &parts)
    return String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
