// Which files in a folder of the cache are the cache's own: by their name, and by the bytes that they begin with. Nothing
// else is ever removed, since a person may name any folder for the cache. HashCache, ManifestArchive and BasisCache have
// one of these each; CacheFolder asks them whose a folder is.

import Glibc
import SystemPackage

/// The files of one kind, called by a digest: 32 hexadecimal digits and `suffix`.
struct CacheFiles: Sendable {
    let suffix: String
    let magic: [UInt8]
    /// How what is being written is called: `DIGEST.PID-NUMBER.tmp`, or without the digest.
    let temporarySuffix: String

    /// Packs of contents, and the folder that they are in: BasisCache has what is in one.
    static let packs = CacheFiles(suffix: ".pack", magic: Array("SSB1".utf8), temporarySuffix: ".new")
    static let packFolder = "contents"

    /// How old, in seconds, something has to be that nobody finished before it is taken for an interrupted command's.
    private static let patience: Int64 = 3600

    /// Those that are whole by their name, in no order.
    func all(in folder: Directory) throws -> [(name: String, status: FileStatus)] {
        try listed(in: folder, where: isName)
    }

    /// Whether a file of this name is the cache's, be it whole or being written. One that is empty is, by its name.
    func isOwn(_ name: String, in folder: Directory) -> Bool {
        (isName(name) || isTemporary(name)) && hasMagic(name, in: folder)
    }

    /// Removes what interrupted commands left behind.
    func removeAbandoned(in folder: Directory) {
        let limit = Timestamp.now.seconds - Self.patience
        for (name, status) in (try? listed(in: folder, where: isTemporary)) ?? [] where status.modified.seconds < limit
        {
            try? folder.remove(name)
        }
    }

    private func listed(
        in folder: Directory, where isWanted: (String) -> Bool
    ) throws -> [(name: String, status: FileStatus)] {
        try folder.names().compactMap { name in
            guard isWanted(name), hasMagic(name, in: folder), let status = try? folder.status(of: name) else {
                return nil
            }
            return (name, status)
        }
    }

    private func isName(_ name: String) -> Bool {
        name.hasSuffix(suffix) && ContentDigest(name.dropLast(suffix.count)) != nil
    }

    private func isTemporary(_ name: String) -> Bool {
        guard name.hasSuffix(temporarySuffix) else { return false }
        let parts = name.dropLast(temporarySuffix.count).split(separator: ".", omittingEmptySubsequences: false)
        // A pack has no digest while it is written.
        guard parts.count == 1 && !suffix.isEmpty || parts.count == 2 && isName(parts[0] + suffix) else { return false }
        let numbers = parts[parts.count - 1].split(separator: "-", omittingEmptySubsequences: false)
        return numbers.count == 2
            && numbers.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
    }

    private func hasMagic(_ name: String, in folder: Directory) -> Bool {
        guard let file = try? folder.openFile(name, O_RDONLY | O_NONBLOCK) else { return false }
        defer { try? file.close() }
        guard (try? file.status())?.kind == .file else { return false }
        var head = [UInt8](repeating: 0, count: magic.count)
        guard let count = try? head.withUnsafeMutableBytes({ try file.readFully(at: 0, into: $0) }) else {
            return false
        }
        return count == 0 || head == magic
    }
}
