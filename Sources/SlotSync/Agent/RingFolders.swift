// What a stage does in a ring's `tmp`: what an earlier one left there is found or cleared. What others put there stays.

import SystemPackage

extension AgentSession {
    /// Hashes what an interrupted stage left in `tmp`: content named by its digest is a source again. What has none of
    /// the ring's names is somebody else's, and stays.
    func hashLeftovers(in ring: Ring, removing: Bool) throws -> Set<ContentDigest> {
        var leftovers: Set<ContentDigest> = []
        var foreign: [String] = []
        for name in try temporaryNames(ring) {
            if let digest = ContentDigest(name), contentDigest(of: name, in: ring.temporary, progress) == digest {
                leftovers.insert(digest)
            } else if !isTemporary(name) {
                foreign.append(name)
            } else if removing {
                try removeTemporary(name, ring)
            }
        }
        if !foreign.isEmpty {
            try connection.send(
                .warning(
                    "\(quoted(root + "/.slotsync/tmp")) holds what SlotSync did not put there, and it stays "
                        + "(\(namedPaths(foreign.sorted().map { Array($0.utf8) }))): move it away"))
        }
        return leftovers
    }

    func clearTemporary(_ ring: Ring) throws {
        for name in try temporaryNames(ring) where isTemporary(name) { try removeTemporary(name, ring) }
    }

    private func temporaryNames(_ ring: Ring) throws -> [String] {
        try naming("list", root + "/.slotsync/tmp") { try ring.temporary.names() }
    }

    /// Whether this is a name under which SlotSync makes entries in `tmp`: contents, links on their way to `current`,
    /// probes, output of hooks.
    private func isTemporary(_ name: String) -> Bool {
        ContentDigest(name) != nil || name == SlotWriter.unfinished || name.hasPrefix("current.")
            || name.hasPrefix("reflink-probe-") || name.hasSuffix(".output") || name.hasPrefix("hook-")
    }

    /// Removes what a stage left; what cannot be removed stays and is named: it is in nobody's way.
    private func removeTemporary(_ name: String, _ ring: Ring) throws {
        do { try ring.temporary.removeTree(name) } catch {
            let path = "\(root)/.slotsync/tmp/\(String(decoding: error.path, as: UTF8.self))"
            try connection.send(.warning("\(quoted(path)) stays, it cannot be removed: \(error.errno)"))
        }
    }
}
