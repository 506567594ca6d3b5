// What a stage does in a ring beside the slot that it fills: what an earlier one left in `tmp` is found or cleared, and
// the folders that outlive releases are made in `shared`.

import SystemPackage

extension AgentSession {
    /// Hashes what an interrupted stage left in `tmp`: content named by its digest is a source again.
    func hashLeftovers(in ring: Ring, removing: Bool) throws -> Set<ContentDigest> {
        var leftovers: Set<ContentDigest> = []
        for name in try ring.temporary.names() {
            if let digest = ContentDigest(name), contentDigest(of: name, in: ring.temporary, progress) == digest {
                leftovers.insert(digest)
            } else if removing {
                try ring.temporary.removeTree(name)
            }
        }
        return leftovers
    }

    func clearTemporary(_ ring: Ring) throws {
        for name in try ring.temporary.names() { try ring.temporary.removeTree(name) }
    }

    /// Makes the folders below `shared` that the release links to, where they are missing.
    func makeShared(_ paths: [[UInt8]], ring: Ring) throws {
        guard !paths.isEmpty else { return }
        try ring.root.makeDirectoryIfMissing("shared", mode: 0o755)
        guard let shared = try? ring.root.openDirectory("shared") else {
            // A link to another file system, perhaps. We follow none, but the release's links lead through it.
            try connection.send(
                .warning("\(quoted(root + "/shared")) is no folder: what it should hold is not made there"))
            return
        }
        for path in paths {
            var directory = shared
            for component in path.split(separator: UInt8(ascii: "/")) {
                let name = component.map { CChar(bitPattern: $0) } + [0]
                if (try? directory.status(of: name)) == nil { try directory.makeDirectory(name, mode: 0o755) }
                // A file that outlives releases ends the path.
                guard let next = try? directory.openDirectory(name) else { break }
                directory = next
            }
        }
    }
}
