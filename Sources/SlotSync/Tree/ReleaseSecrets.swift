// What hardly anybody means to publish: a repository at the top of a release, with all that was ever in it, and private
// keys. It is told, with how to leave it out, and never left out unasked. PreparedRelease calls it.

import Glibc

enum ReleaseSecrets {
    private static let repositories = [".git", ".svn", ".hg", ".bzr", "CVS"]
    /// Names that ssh and others give to private keys.
    private static let keyNames = [
        "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk", "id_xmss",
    ]
    /// Endings of files that hold a private key, whatever else they hold.
    private static let keyEndings = [".ppk", ".pfx", ".p12"]
    /// Endings of files that may hold one: their beginning tells.
    private static let doubtfulEndings = [".pem", ".key"]
    private static let mostLooks = 64
    private static let longestLook = 8 << 10
    private static let mostNamed = 3

    /// What to say of a release.
    ///
    /// - Parameter root: the source's folder.
    static func remarks(on manifest: Manifest, below root: Directory) -> [String] {
        var remarks: [String] = []
        for name in repositories where manifest.child(of: 0, named: Array(name.utf8)[...]) != nil {
            remarks.append(
                "the release holds \(name) at its top, and with it all that was ever in that repository: leave it out with "
                    + "--exclude /\(name), or exclude: [/\(name)] in slotsync.yml")
        }
        let keys = keys(in: manifest, below: root)
        if let first = keys.first {
            let shown = keys.prefix(mostNamed).map { quoted(String(decoding: manifest.path(of: $0), as: UTF8.self)) }
            let more = keys.count > mostNamed ? " and \(keys.count - mostNamed) more" : ""
            let path = String(decoding: manifest.path(of: first), as: UTF8.self)
            remarks.append(
                "the release holds what looks like \(keys.count == 1 ? "a private key" : "private keys"): "
                    + "\(shown.joined(separator: ", "))\(more); leave out what is nobody's business, as with "
                    + "--exclude \(quoted("/" + path))")
        }
        return remarks
    }

    /// What to say of files that belong to whoever makes the release, and not into it.
    ///
    /// - Parameter paths: where in the source they stand, if they are there.
    static func remarks(on manifest: Manifest, own paths: [[UInt8]]) -> [String] {
        var seen: Set<[UInt8]> = []
        return paths.compactMap { path in
            let names = path.split(separator: UInt8(ascii: "/"))
            guard seen.insert(path).inserted, manifest.entry(at: names) != nil else { return nil }
            let shown = String(decoding: path, as: UTF8.self)
            return
                "the release holds \(quoted(shown)), a file of this command's own, and with it whatever secrets stand there: "
                + "leave it out with --exclude \(quoted("/" + shown))"
        }
    }

    /// Entries that are private keys, by their names or by what they begin with.
    private static func keys(in manifest: Manifest, below root: Directory) -> [Int] {
        let directories = OpenDirectories(root: root, manifest: manifest)
        var looks = 0
        return manifest.entries.indices.filter { index in
            guard manifest.entries[index].kind == .file else { return false }
            let name = manifest.name(of: index)
            if keyNames.contains(where: { name.elementsEqual($0.utf8) }) { return true }
            if keyEndings.contains(where: { has(name, ending: $0) }) { return true }
            guard looks < mostLooks, doubtfulEndings.contains(where: { has(name, ending: $0) }) else { return false }
            looks += 1
            return beginsWithKey(index, directories)
        }
    }

    private static func has(_ name: ArraySlice<UInt8>, ending: String) -> Bool {
        name.count > ending.utf8.count && name.suffix(ending.utf8.count).elementsEqual(ending.utf8)
    }

    /// Whether a file has the line in front of a private key (RFC 7468), after a certificate perhaps.
    private static func beginsWithKey(_ index: Int, _ directories: OpenDirectories) -> Bool {
        guard let file = try? directories.openFile(index, O_RDONLY | O_NONBLOCK) else { return false }
        defer { try? file.close() }
        let bytes = try? [UInt8](unsafeUninitializedCapacity: longestLook) { buffer, count in
            count = try file.readFully(at: 0, into: UnsafeMutableRawBufferPointer(buffer))
        }
        guard let bytes else { return false }
        return String(decoding: bytes, as: UTF8.self).firstPlace(of: "PRIVATE KEY-----") != nil
    }
}
