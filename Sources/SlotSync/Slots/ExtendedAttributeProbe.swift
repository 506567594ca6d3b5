// Tries, before a stage touches anything, whether its extended attributes can be set on this host: only root sets file
// capabilities, not every file system keeps attributes, and most keep few bytes of them. AgentStage asks.

import Glibc
import SystemPackage

/// Looks for extended attributes that cannot be set.
struct ExtendedAttributeProbe {
    let ring: Ring

    /// So many entries are tried at most.
    private static let mostSamples = 256

    /// Refuses capabilities where the agent is not root: no file system and no kernel changes that.
    static func checkRights(_ manifest: Manifest, root: String) throws(SlotSyncError) {
        guard geteuid() != 0 else { return }
        let entries = manifest.extendedAttributes.all.filter { $0.attributes[ExtendedAttributes.capability] != nil }
        guard !entries.isEmpty else { return }
        throw SlotSyncError(
            .badInput,
            "the agent for root \(quoted(root)) runs as \(userName(of: geteuid())), so it cannot set file capabilities "
                + "(security.capability), which the release has (\(namedPaths(entries.map { manifest.path(of: $0.entry) }))): "
                + "log in as root, or leave --xattrs out. Nothing was changed")
    }

    /// Sets the largest value of each name, and the largest set, on something that is made for it in `tmp`.
    func check(_ target: Manifest, slot: Int) throws {
        guard !target.extendedAttributes.isEmpty else { return }
        let isSameDevice = try naming("look at", ring.path + "/.slotsync/tmp") {
            try ring.temporary.status().device == ring.slotsDirectory.status().device
        }
        // On another file system nothing can be told.
        guard isSameDevice else { return }
        for entry in samples(of: target) { try attempt(entry, of: target, slot) }
    }

    private func samples(of target: Manifest) -> [Int] {
        var largest: [[UInt8]: (entry: Int, size: Int)] = [:]
        for (entry, attributes) in target.extendedAttributes.all {
            let sizes = attributes.items.map { ($0.name, $0.value.count) }
            // The empty name stands for all.
            for (name, size) in sizes + [([], sizes.reduce(0) { $0 + $1.0.count + $1.1 })] {
                if let known = largest[name], known.size >= size { continue }
                largest[name] = (entry, size)
            }
        }
        let bySize = largest.values.sorted { ($1.size, $0.entry) < ($0.size, $1.entry) }
        return Set(bySize.prefix(Self.mostSamples).map(\.entry)).sorted()
    }

    private func attempt(_ entry: Int, of target: Manifest, _ slot: Int) throws {
        let name = SlotWriter.unfinished
        defer { try? ring.temporary.removeTree(name) }
        let probe = try naming("make", ring.path + "/.slotsync/tmp/" + name) {
            try? ring.temporary.removeTree(name)
            guard target.entries[entry].kind == .directory else {
                return try ring.temporary.openFile(name, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
            }
            try ring.temporary.makeDirectory(name)
            return try ring.temporary.openFile(name, O_RDONLY | O_DIRECTORY)
        }
        defer { try? probe.close() }
        do {
            try probe.setMode(target.entries[entry].mode, attributes: target.extendedAttributes[entry])
        } catch {
            let path = entry == 0 ? "" : "/" + String(decoding: target.path(of: entry), as: UTF8.self)
            var refusal = error.error(at: "\(ring.path)/slots/\(slot)\(path)")
            refusal.message += ". Nothing was changed"
            throw refusal
        }
    }
}
