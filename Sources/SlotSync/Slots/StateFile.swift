// The file `.slotsync/state` on a disk that may be full. Beside it lies a reserve, `state.next`, of the same length and with
// its blocks: the next state is written over that, and the two swap names at one instant. So a state can be written when
// there is neither a free block nor a free inode. Ring reads and writes it.

import Glibc
import SystemPackage

struct StateFile {
    static let name = "state"
    private static let reserve = "state.next"
    /// What the next state is written as where there is no reserve.
    static let unfinished = Directory.unfinishedName(of: name)
    /// How often a state is read again that does not read: a writer may have come in between.
    private static let attempts = 5

    let metadata: Directory
    let owner: RingOwner
    /// For errors.
    let path: String

    /// The state as it is stored; nil: there is none. Whether a command in it is run, it says itself.
    func read() throws -> RingState? {
        var attempt = 1
        while true {
            do {
                var maySayCommands = false
                let bytes = try metadata.contents(of: Self.name, atMost: RingState.largestFile) { status in
                    try owner.check(status, path)
                    maySayCommands = owner.maySayCommands(status)
                }
                var state = try bytes.map { try RingState(decoding: $0, path: path) }
                state?.wayBack?.isHookForeign = !maySayCommands
                return state
            } catch let error as SlotSyncError where error.code == .corrupt && attempt < Self.attempts {
                // What was opened as the state may be the reserve by now, and be written over.
                attempt += 1
                usleep(20_000)
            } catch let error as SlotSyncError where error.code == .corrupt {
                throw loss(error.message)
            } catch let error as SlotSyncError where error.errno == .tooManySymbolicLinkLevels {
                throw loss("\(quoted(path)) is a link, and SlotSync follows none: put the file itself in its place")
            } catch let error as SlotSyncError where error.errno == .permissionDenied {
                throw RingOwner.refusal(of: path, try? metadata.status(of: Self.name), errno: .permissionDenied)
            }
        }
    }

    /// An error of a state that cannot be gone by. What it was before stands in the reserve, if that was not made anew.
    ///
    /// - Parameter what: what is wrong with it.
    func loss(_ what: String) -> SlotSyncError {
        let before = try? metadata.contents(of: Self.reserve, atMost: RingState.largestFile) {
            try owner.check($0, path)
        }
        // A flip that was provisional then may be confirmed by now: whoever read that would take it back.
        let isThere = before.flatMap { try? RingState(decoding: $0, path: path) }.map { $0.wayBack == nil } ?? false
        let folder = path.dropLast("/\(Self.name)".count)
        let root = ShellWords.quoted(String(folder.dropLast("/.slotsync".count)))
        let remedy =
            isThere
            ? "What it was before the last change stands beside it: put that in its place (cp -p "
                + "\(ShellWords.quoted("\(folder)/\(Self.reserve)")) \(ShellWords.quoted(path))), then look with `slotsync "
                + "status` and `slotsync verify`"
            : "Restore the file from a backup, or stage into a new root and move there: \"Moving from a hand-made "
                + "`current`\" in docs/operations.md"
        return SlotSyncError(
            .corrupt,
            "\(what). Nothing was changed, and what is live stays so. \(remedy). By hand `current` goes to a slot with: ln -s "
                + "slots/N \(root)/current.new && mv -T \(root)/current.new \(root)/current")
    }

    /// Replaces the state, durably.
    ///
    /// - Throws: `Errno`. The state is then the old one; if only its directory could not be synchronized, the new one.
    func write(_ state: RingState) throws {
        do { try writeReserve(state) } catch {
            // There is no reserve yet, or something else is in its place.
            let temporary = Self.unfinished
            try? metadata.remove(temporary)
            do {
                try make(temporary, of: state.encoded())
                try metadata.rename(temporary, to: Self.name)
            } catch {
                try? metadata.remove(temporary)
                throw error
            }
        }
        try metadata.synchronize()
        prepareReserve(for: state)
    }

    /// Writes a state over the reserve and lets the two swap names.
    private func writeReserve(_ state: RingState) throws {
        let file = try metadata.openFile(Self.reserve, O_RDWR | O_NONBLOCK)
        defer { try? file.close() }
        let status = try file.status()
        guard status.kind == .file, status.links == 1, (try? owner.check(status, path)) != nil else {
            throw Errno.fileExists
        }
        let length = Int(min(status.size, UInt64(RingState.largestFile)))
        var bytes = state.encoded(atLeast: length)
        if bytes.count > length {
            // Where the file cannot grow, its slack may still do.
            if (try? file.reserve(Int64(bytes.count))) == nil { bytes = state.encoded(within: length) ?? bytes }
        }
        try bytes.withUnsafeBytes { try file.writeFully($0, at: 0) }
        if status.size > bytes.count { try file.setLength(Int64(bytes.count)) }
        try file.synchronize()
        do { try metadata.exchange(Self.reserve, with: Self.name, in: metadata) } catch {
            try metadata.rename(Self.reserve, to: Self.name)
        }
    }

    private func make(_ name: String, of bytes: [UInt8]) throws {
        let file = try metadata.openFile(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        defer { try? file.close() }
        owner.adopt(file)
        try bytes.withUnsafeBytes { try file.writeFully($0) }
        try file.synchronize()
    }

    /// Makes a reserve for the next state, if it is missing or too short, as far as the disk has room.
    ///
    /// - Parameter more: how many bytes the next state may have beyond this one.
    func prepareReserve(for state: RingState, growingBy more: Int = 0) {
        let length = RingState.fileLength(holding: state.encodedLength + more)
        guard let file = try? metadata.openFile(Self.reserve, O_RDWR | O_NONBLOCK) else {
            // None, or not ours to write: one of ours takes its place.
            try? metadata.remove(Self.reserve)
            return makeReserve(length)
        }
        defer { try? file.close() }
        guard let status = try? file.status(), status.kind == .file else { return }
        guard (try? owner.check(status, path)) != nil else {
            // Whoever has it open could write to what is the state afterwards.
            try? metadata.remove(Self.reserve)
            return makeReserve(length)
        }
        if status.size < length || status.blocks == 0 { fill(file, length) }
    }

    private func makeReserve(_ length: Int) {
        guard let file = try? metadata.openFile(Self.reserve, O_RDWR | O_CREAT | O_EXCL, mode: 0o600) else { return }
        defer { try? file.close() }
        owner.adopt(file)
        fill(file, length)
    }

    /// Written, since blocks that are only set aside may need others when they are written to.
    private func fill(_ file: FileDescriptor, _ length: Int) {
        guard (try? file.reserve(Int64(length))) != nil else { return }
        let nothing = [UInt8](repeating: UInt8(ascii: "."), count: length)
        try? nothing.withUnsafeBytes { try file.writeFully($0, at: 0) }
        try? file.synchronize()
    }
}
