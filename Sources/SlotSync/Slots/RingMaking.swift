// Makes a ring in a root that holds nothing, and adopts nothing that somebody else made. A stage calls it; whoever opens
// a root without a ring asks whether one could be made there.

import Glibc
import SystemPackage

extension Ring {
    /// Opens a root that exists.
    static func openRoot(_ path: String) throws(SlotSyncError) -> Directory {
        try RootPath.check(path)
        do { return try Directory(path: FilePath(path), staysOnMount: true) } catch {
            switch error {
            case .noSuchFileOrDirectory:
                throw SlotSyncError(
                    .notARing,
                    "root \(quoted(path)) does not exist: make it first, with mkdir -p on the host, or check --root")
            case .notDirectory:
                throw SlotSyncError(.notARing, "root \(quoted(path)) is no directory: check --root")
            case .permissionDenied: throw RingOwner.refusal(of: path, try? FileStatus(following: path), errno: error)
            default: throw SlotSyncError(.system, "cannot open root \(quoted(path))", errno: error)
            }
        }
    }

    /// Makes a ring in a root that holds nothing.
    static func make(_ path: String, slotCount: Int) throws -> Ring {
        let root = try openRoot(path)
        try requireNothingForeign(in: root, path: path)
        do {
            // The ring is the root's owner's, whoever makes it.
            let owner = try RingOwner(of: root, in: root)
            func make(_ name: String, in folder: Directory, mode: UInt32 = 0o700) throws {
                try folder.makeDirectoryIfMissing(name, mode: mode)
                owner.adopt(name, in: folder)
            }
            try make(".slotsync", in: root)
            let metadata = try root.openDirectory(".slotsync")
            try owner.check(metadata.status(), path + "/.slotsync")
            for name in ["slots", "tmp"] { try make(name, in: metadata) }
            for name in ["slots", "shared"] {
                // Not narrowed by a umask: the web server, another user, goes through them to what is live.
                guard let status = try? root.status(of: name) else {
                    try root.makeDirectoryUnmasked(name, mode: 0o755)
                    owner.adopt(name, in: root)
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
                owner.adopt("\(slot)", in: slots)
            }
            let ring = try Ring(path: path, root: root, metadata: metadata, state: RingState(slotCount: slotCount))
            try ring.acquireLock(for: "making the ring")
            try slots.synchronize()
            try ring.save()
            try root.synchronize()
            return ring
        } catch let error as Errno {
            let standing = standingFailure(
                "cannot make a ring in root \(quoted(path))", at: path, error, [(try? root.moreStatus(), path)],
                then: ", then stage again")
            if let standing { throw standing }
            guard error == .permissionDenied || error == .notPermitted else {
                throw failure(to: "make a ring in root", path, error)
            }
            let owner = try root.status().owner
            throw SlotSyncError(
                .system,
                "cannot make a ring in root \(quoted(path)), which belongs to \(userName(of: owner)) "
                    + "(the agent runs as \(userName(of: geteuid()))): give it to that user "
                    + "(chown \(accountName(of: geteuid())) \(ShellWords.quoted(path))), or name the host as "
                    + loginText(of: owner), errno: error)
        }
    }

    /// What is said where a link stands for a folder of the ring; nil: it is none.
    static func refusal(ofLink name: String, in directory: Directory, path: String) -> SlotSyncError? {
        guard let text = try? directory.readLink(name) else { return nil }
        let target = String(decoding: text, as: UTF8.self)
        let (word, source) = (ShellWords.quoted(path), target.hasPrefix("/") ? ShellWords.quoted(target) : "TARGET")
        // A mount may stand for all slots, and not for one of them or the ring's own folder.
        let remedy =
            path.hasSuffix("/.slotsync/slots") || !path.hasSuffix("/slots")
            ? "put the folder itself in its place (rm \(word) && mv \(source) \(word)), or have all slots elsewhere, by a "
                + "mount over `slots` (mount --bind)"
            : "mount what it leads to in its place (rm \(word) && mkdir \(word) && mount --bind \(source) \(word), and a line "
                + "in /etc/fstab)"
        return SlotSyncError(
            .notARing,
            "\(quoted(path)) is a link to \(quoted(target)), and SlotSync follows no link in a ring: \(remedy)")
    }

    /// Refuses to adopt a root in which anything stands that is not ours.
    static func requireNothingForeign(in root: Directory, path: String) throws {
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
        for name in ["slots", ".slotsync"] {
            if let refusal = refusal(ofLink: name, in: root, path: "\(path)/\(name)") { throw refusal }
        }
        // `slots` may be there from a making that was interrupted: then its folders are empty.
        if let slots = try? root.openMountedDirectory("slots") {
            // A file system of its own has a folder for what is found in it again. The stages leave it alone.
            for text in try naming("list", path + "/slots", { try slots.names() }) where text != "lost+found" {
                guard let slot = try? slots.openMountedDirectory(text), try slot.isEmpty else {
                    throw SlotSyncError(
                        .notARing,
                        "root \(quoted(path)) is no ring, and \(quoted("slots/" + text)) is not empty. \(migrate)")
                }
            }
        }
    }
}
