// A root on a host: opens its ring, holds its lock, and keeps `.slotsync/state`. Every change of a slot's
// state or of `current` goes through here. The files beside this one fill the slots.

import Glibc
import SystemPackage

/// An open root with a ring of slots in it.
final class Ring: FlipRing {
    /// How many slots a ring gets where nothing else is said.
    static let usualSlotCount = 5

    let path: String
    let root: Directory
    /// `.slotsync`, `.slotsync/slots`, `.slotsync/tmp` and `slots`.
    let metadata: Directory
    let records: Directory
    let temporary: Directory
    let slotsDirectory: Directory
    let owner: RingOwner
    private(set) var state: RingState
    /// What is wrong with `current`, if it is not what SlotSync makes. The state then holds for live what it last was.
    private(set) var handMade: HandMadeCurrent?
    /// Whether what was read of the ring may not outlast a power cut, and that was told.
    private var isUndurable = false
    /// The lock, while this ring has it.
    let lock = HeldLock()
    /// What the lock's note says.
    private var note = LockFile.Note()
    /// What came up that a person should know.
    private var warnings: [String] = []

    init(path: String, root: Directory, metadata: Directory, state: RingState) throws {
        self.path = path
        self.root = root
        self.metadata = metadata
        owner = try RingOwner(of: metadata, in: root)
        try owner.check(metadata.status(), "\(path)/.slotsync")
        // Whoever clears away old folders may have taken these: an empty one is as good, and the way back needs neither.
        for name in ["slots", "tmp"] where (try? metadata.status(of: name)) == nil {
            if (try? metadata.makeDirectory(name, mode: 0o700)) != nil { owner.adopt(name, in: metadata) }
        }
        records = try Ring.open("slots", in: metadata, path: "\(path)/.slotsync/slots")
        temporary = try Ring.open("tmp", in: metadata, path: "\(path)/.slotsync/tmp")
        slotsDirectory = try Ring.open("slots", in: root, path: "\(path)/slots")
        for (name, folder) in [("slots", records), ("tmp", temporary)] {
            try owner.check(folder.status(), "\(path)/.slotsync/\(name)")
        }
        self.state = state
    }

    deinit { unlock() }

    // MARK: Opening

    /// Opens the ring in `path`; nil where the root holds none yet and could become one.
    static func open(_ path: String) throws -> Ring? {
        let root = try openRoot(path)
        let metadata: Directory
        do { metadata = try root.openMountedDirectory(".slotsync") } catch {
            if error == .permissionDenied {
                throw RingOwner.refusal(of: path + "/.slotsync", try? root.status(of: ".slotsync"), errno: error)
            }
            guard error == .noSuchFileOrDirectory else {
                throw refusal(ofLink: ".slotsync", in: root, path: path + "/.slotsync")
                    ?? SlotSyncError(.notARing, "cannot open \(quoted(path + "/.slotsync"))", errno: error)
            }
            try requireNothingForeign(in: root, path: path)
            return nil
        }
        let owner = try RingOwner(of: metadata, in: root)
        try owner.check(metadata.status(), path + "/.slotsync")
        let file = StateFile(metadata: metadata, owner: owner, path: "\(path)/.slotsync/state")
        guard let stored = try file.read() else {
            let records = try? metadata.openDirectory("slots").isEmpty
            guard records != false else { throw file.loss("\(quoted(file.path)) is missing") }
            // The making of this ring was interrupted before anything was in it.
            try requireNothingForeign(in: root, path: path)
            return nil
        }
        let ring = try Ring(path: path, root: root, metadata: metadata, state: stored)
        try ring.reconcile(stored)
        ring.settle()
        return ring
    }

    private static func open(_ name: String, in directory: Directory, path: String) throws(SlotSyncError) -> Directory {
        do { return try directory.openMountedDirectory(name) } catch {
            if error == .permissionDenied {
                throw failure(to: "open", path, of: try? directory.status(of: name).owner, error)
            }
            throw refusal(ofLink: name, in: directory, path: path)
                ?? SlotSyncError(
                    .notARing,
                    error == .notDirectory || error == .tooManySymbolicLinkLevels
                        ? "\(quoted(path)) is no folder: move it away, and put the ring's own back"
                        : "the ring lacks its folder \(quoted(path)): restore it", errno: error)
        }
    }

    // MARK: Lock and state

    /// Takes the root's lock without waiting. Where it is held already, it is held for this purpose from now on.
    ///
    /// - Parameter purpose: what is done, and for whom: what others are told who want the lock.
    func acquireLock(for purpose: String) throws {
        guard !isLocked else { return noteHolder(purpose) }
        let file: FileDescriptor
        do { file = try openLock() } catch {
            let path = path + "/.slotsync/lock"
            if error == .permissionDenied {
                throw RingOwner.refusal(of: path, try? metadata.status(of: "lock"), errno: error)
            }
            throw SlotSyncError(.system, "cannot open the lock \(quoted(path))", errno: error)
        }
        do { try owner.check(file.status(), path + "/.slotsync/lock") } catch {
            try? file.close()
            throw error
        }
        do { try Self.lock(file) } catch {
            defer { try? file.close() }
            guard error == .wouldBlock || error == .resourceTemporarilyUnavailable else {
                throw failure(to: "take the lock", path + "/.slotsync/lock", error)
            }
            throw SlotSyncError(
                .locked,
                "root \(quoted(path)) is locked by \(Self.holder(of: file).text): run the command again when that has "
                    + "ended, or with --wait 5m")
        }
        lock.hold(file)
        note = LockFile.Note(holder: Self.signed(purpose), since: Timestamp.now.seconds)
        LockFile.begin(note, in: file)
        removeUnfinished()
        // Another command may have changed the state between our look at it and the lock.
        if let stored = try stateFile.read() { try reconcile(stored) }
        settle()
        prepareSwitch()
    }

    /// A disk that can only be read still tells who holds the lock.
    private func openLock() throws(Errno) -> FileDescriptor {
        do {
            let isNew = (try? metadata.status(of: "lock")) == nil
            let file = try metadata.openFile("lock", O_RDWR | O_CREAT | O_NONBLOCK, mode: 0o600)
            if isNew { owner.adopt(file) }
            return file
        } catch {
            // Somebody made it immutable, or the disk can only be read.
            guard [.readOnlyFileSystem, .noSpace, .diskQuotaExceeded, .notPermitted].contains(error) else {
                throw error
            }
            return try metadata.openFile("lock", O_RDONLY | O_NONBLOCK)
        }
    }

    /// Writes what the lock is held for from now on; without the lock, nothing.
    func noteHolder(_ purpose: String) {
        guard let file = lock.file, Self.signed(purpose) != note.holder else { return }
        note.holder = Self.signed(purpose)
        note.since = Timestamp.now.seconds
        LockFile.update(note, in: file)
    }

    /// Writes where a rollback is to lead, whatever becomes of the change of `current` that is about to be made.
    func noteWayBack(_ release: ContentDigest?) {
        guard let file = lock.file, let release else { return }
        note.wayBack = release
        LockFile.update(note, in: file)
    }

    private static func signed(_ purpose: String) -> String { "\(purpose), pid \(getpid())" }

    func unlock() { lock.letGo() }

    /// Changes the state, durably before this returns. The lock must be held.
    func update(_ change: (inout RingState) -> Void) throws {
        let before = state
        change(&state)
        do { try save() } catch {
            state = before
            throw stateFailure(error, then: ", then run the command again")
        }
    }

    /// Changes the state to what has happened, whether that can be written or not: the next command finds out from
    /// `current` what is live.
    ///
    /// - Returns: what a person should know of it.
    func note(_ change: (inout RingState) -> Void) -> String? {
        change(&state)
        do {
            try save()
            return nil
        } catch { return "\(stateFailure(error)); the next command on this host puts it right" }
    }

    func save() throws {
        precondition(isLocked, "the state of a ring is changed without its lock")
        try stateFile.write(state)
    }

    private var stateFile: StateFile {
        StateFile(metadata: metadata, owner: owner, path: "\(path)/.slotsync/state")
    }

    /// Makes what a change of `current` needs, while there is room on the disk: the links, and the reserve for the state.
    func prepareSwitch() {
        warnings += currentLink.prepare(for: status.numbers.filter { status[$0].state.isSealed && $0 != status.live })
        stateFile.prepareReserve(for: state)
    }

    /// What came up since this was asked last and a person should know.
    func takeWarnings() -> [String] {
        defer { warnings = [] }
        return warnings
    }

    var status: RingStatus { state.status }
    var isLocked: Bool { lock.file != nil }

    // MARK: Current

    private var currentLink: CurrentLink {
        CurrentLink(
            root: root, slots: slotsDirectory, metadata: metadata, owner: owner, slotCount: state.status.slots.count)
    }

    private func target() throws(SlotSyncError) -> CurrentLink.Target {
        do { return try currentLink.target() } catch {
            throw SlotSyncError(.system, "cannot read \(quoted(path + "/current"))", errno: error)
        }
    }

    /// Brings a state that was read together with `current`, which is the truth of what is live.
    private func reconcile(_ stored: RingState) throws(SlotSyncError) {
        state = stored
        let target = try target()
        handMade = HandMadeCurrent(target, state: stored, root: path)
        guard handMade?.isMisleading != true else { return }
        let changed = (try? root.status(of: CurrentLink.name))?.changed ?? .now
        state = stored.reconciled(with: target.slot, at: changed.seconds)
    }

    /// Makes durable what was read just now. Whoever wrote it may have been killed before it was, and what is told of it
    /// has to last. A disk that cannot do that keeps nobody from going back.
    private func settle() {
        do {
            try metadata.synchronize()
            try root.synchronize()
        } catch  where !isUndurable {
            isUndurable = true
            warnings.append(
                "what is live in \(quoted(path)) may be another release after a power cut, since its folders cannot be "
                    + "synchronized (\(error)): check the disk")
        } catch {}
    }

    /// The slot that `current` points at now; nil: none of this ring. What is wrong with it is in ``handMade`` then.
    func slotOfCurrent() throws(SlotSyncError) -> Int? {
        let target = try target()
        handMade = HandMadeCurrent(target, state: state, root: path)
        return target.slot
    }

    /// Points `current` at a slot by one rename, and makes that durable; nil takes `current` away.
    ///
    /// - Parameter isWayBack: whether the host goes back. A disk without inodes then gives up a file of the ring's own, and one
    ///   that cannot even rename, since a quota is used up, what a stage has filled in.
    /// - Returns: the wall clock right after the rename, and what a person should know of it.
    /// - Throws: `Errno`; then `current` is what it was.
    func pointCurrent(at slot: Int?, isWayBack: Bool = false) throws(Errno) -> (moment: Timestamp, warnings: [String]) {
        guard let slot else { return (.now, try currentLink.remove()) }
        var given: [String] = []
        func point() throws(Errno) -> (moment: Timestamp, warnings: [String]) {
            try currentLink.point(at: slot) {
                guard isWayBack, let more = giveUpFile(sparing: slot) else { return false }
                given += more
                return true
            }
        }
        while true {
            do {
                var switched = try point()
                switched.warnings += given
                handMade = nil
                return switched
            } catch {
                guard isWayBack, error == .diskQuotaExceeded || error == .noSpace,
                    let more = giveUpStaged(sparing: slot)
                else { throw error }
                given += more.filter { !given.contains($0) }
            }
        }
    }
}
