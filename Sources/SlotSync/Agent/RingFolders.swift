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
            } else if !isTemporary(name, ring) {
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
        for name in try temporaryNames(ring) where isTemporary(name, ring) { try removeTemporary(name, ring) }
    }

    private func temporaryNames(_ ring: Ring) throws -> [String] {
        try naming("list", root + "/.slotsync/tmp") { try ring.temporary.names() }
    }

    /// Whether this is what SlotSync makes in `tmp`: contents, what is made there, probes, the output of hooks; earlier
    /// versions made the links there that `current` became, with the number of their process.
    private func isTemporary(_ name: String, _ ring: Ring) -> Bool {
        guard let kind = try? ring.temporary.status(of: name).kind else { return false }
        switch kind {
        case .file:
            return ContentDigest(name) != nil || name == SlotWriter.unfinished || DiskSpace.probes.contains(name)
                || Hook.outputs.contains(name)
        case .directory:
            guard name == SlotWriter.unfinished, let folder = try? ring.temporary.openDirectory(name) else {
                return false
            }
            return (try? folder.isEmpty) ?? false
        case .symbolicLink:
            let process = name.hasPrefix("current.") ? Int32(name.dropFirst("current.".count)) : nil
            return name == SlotWriter.unfinished || process.map { $0 > 0 } ?? false
        default: return false
        }
    }

    /// Removes what a stage left; what cannot be removed stays and is named: it is in nobody's way.
    private func removeTemporary(_ name: String, _ ring: Ring) throws {
        do { try ring.temporary.removeTree(name) } catch {
            let path = "\(root)/.slotsync/tmp/\(String(decoding: error.path, as: UTF8.self))"
            try connection.send(.warning("\(quoted(path)) stays, it cannot be removed: \(error.errno)"))
        }
    }
}
