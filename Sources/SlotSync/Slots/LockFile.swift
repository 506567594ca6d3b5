// The text of a lock's file. Whoever holds the lock says what for, since when, and what going back means there; behind
// that, in a place of its own, another command may ask the holder to give way. Both have their room from the holder's
// first word on, so that a full disk stops neither. Nobody's word outlives the next holder's first.

import Glibc
import Synchronization
import SystemPackage

enum LockFile {
    /// The holder's note begins the file, the request follows it.
    private static let longestNote = 512
    private static let longestRequest = 512

    /// What a holder says.
    struct Note: Equatable {
        /// What it does, and for whom.
        var holder = ""
        /// Seconds since 1970.
        var since: Int64 = 0
        /// The release that a rollback is to lead to after what this holder did: of a flip what was live before it, taken
        /// back or not; of a rollback what it went to. Nil: the holder changed nothing of what is live.
        var wayBack: ContentDigest?
    }

    // MARK: The holder's

    /// The first word of a new holder; what was asked of the one before is gone.
    static func begin(_ note: Note, in file: FileDescriptor) {
        write(padded(text(of: note), longestNote) + padded("", longestRequest), to: file, at: 0)
    }

    static func update(_ note: Note, in file: FileDescriptor) {
        write(padded(text(of: note), longestNote), to: file, at: 0)
    }

    /// Only a person, and a rollback that asks for more, reads it: a disk too full for it holds up nobody.
    private static func write(_ bytes: [UInt8], to file: FileDescriptor, at offset: Int64) {
        try? bytes.withUnsafeBytes { try file.writeFully($0, at: offset) }
    }

    private static func text(of note: Note) -> String {
        "\(cut(note.holder, atMost: longestNote - 100))\nsince \(note.since)\n"
            + (note.wayBack.map { "back \($0)\n" } ?? "")
    }

    private static func padded(_ text: String, _ length: Int) -> [UInt8] {
        let bytes = Array(text.utf8.prefix(length))
        return bytes + [UInt8](repeating: 0, count: length - bytes.count)
    }

    // MARK: What others read and ask

    /// What the holder says, or the last one said.
    static func note(in file: FileDescriptor) -> Note {
        let lines = text(in: file, at: 0, longestNote).split(separator: "\n")
        func value(_ key: String) -> Substring? {
            lines.dropFirst().first { $0.hasPrefix("\(key) ") }?.dropFirst(key.count + 1)
        }
        let modified = (try? file.status())?.modified.seconds ?? 0
        return Note(
            holder: lines.first.map(String.init) ?? "", since: value("since").flatMap { Int64($0) } ?? modified,
            wayBack: value("back").flatMap { ContentDigest($0) })
    }

    /// Asks the holder to give way.
    ///
    /// - Parameter text: what for, and for whom.
    static func ask(_ text: String, in file: FileDescriptor) throws(Errno) {
        let bytes = padded(cut(text, atMost: longestRequest - 1), longestRequest)
        do { try bytes.withUnsafeBytes { try file.writeFully($0, at: Int64(longestNote)) } } catch {
            throw error as? Errno ?? .ioError
        }
    }

    /// What is asked of the holder; empty: nothing.
    static func request(in file: FileDescriptor) -> String { text(in: file, at: Int64(longestNote), longestRequest) }

    private static func text(in file: FileDescriptor, at offset: Int64, _ length: Int) -> String {
        var bytes = [UInt8](repeating: 0, count: length)
        let count = (try? bytes.withUnsafeMutableBytes { try file.readFully(at: offset, into: $0) }) ?? 0
        return String(decoding: bytes.prefix(count).prefix { $0 != 0 }, as: UTF8.self)
    }
}

/// The lock's file while this process holds the lock: another thread looks whether it is asked for.
final class HeldLock: Sendable {
    private let held = Mutex<FileDescriptor?>(nil)

    var file: FileDescriptor? { held.withLock { $0 } }

    func hold(_ file: FileDescriptor) { held.withLock { $0 = file } }

    func letGo() {
        held.withLock { held in
            // Said aloud, because a child process that is just being started may hold a copy of the descriptor.
            if let held {
                flock(held.rawValue, LOCK_UN)
                try? held.close()
            }
            held = nil
        }
    }

    /// Who asks for the lock; nil: nobody does, or it is not held.
    var request: String? {
        held.withLock { file in
            let request = file.map { LockFile.request(in: $0) } ?? ""
            return request.isEmpty ? nil : request
        }
    }
}
