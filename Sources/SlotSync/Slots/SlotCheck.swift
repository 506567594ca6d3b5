// Looks, before a flip, whether a slot still holds what was sealed in it. What applications added is seen and named, but
// neither read nor walked: it may be large, or shut to the agent. Nothing here fails: what cannot be looked at is a
// difference, and whoever flips decides what follows from it.

import Glibc
import SystemPackage

enum SlotCheck {
    /// How a slot differs from its record.
    static func differences(
        from record: SlotRecord, in slot: Directory, parallelism: Int, progress: AgentProgress
    ) -> SlotDifferences {
        if SlotInspection.isAsSealed(record, slot, parallelism: parallelism, progress: progress) {
            return SlotDifferences()
        }
        typealias Run = (first: Int, found: [(SlotDifferences.Kind, [UInt8])])
        let runs: [Run]? = try? TreeStatuses.look(at: record.manifest, below: slot, parallelism: parallelism) {
            (entries, statuses) in
            let tree = OpenDirectories(root: slot, manifest: record.manifest)
            var found: [(SlotDifferences.Kind, [UInt8])] = []
            for index in entries {
                look(at: index, of: record, &statuses, tree, progress) { found.append(($0, $1)) }
            }
            progress.add(files: entries.count, bytes: 0)
            return found.isEmpty ? nil : (entries.lowerBound, found)
        }
        var differences = SlotDifferences()
        for run in (runs ?? []).sorted(by: { $0.first < $1.first }) {
            for (kind, path) in run.found { differences.note(kind, path) }
        }
        return differences
    }

    private static func look(
        at index: Int, of record: SlotRecord, _ statuses: inout TreeStatuses, _ tree: OpenDirectories,
        _ progress: AgentProgress, _ note: (SlotDifferences.Kind, [UInt8]) -> Void
    ) {
        let manifest = record.manifest
        let entry = manifest.entries[index]
        let status: FileStatus
        do { status = try statuses.status(of: index) } catch {
            let isGone = error == .noSuchFileOrDirectory || error == .notDirectory
            return note(isGone ? .missing : .unreadable, manifest.path(of: index))
        }
        guard !record.vouches(for: index, status) else { return }
        if (try? tree.moreStatus(of: index))?.isMountPoint == true, index > 0 {
            return note(SlotDifferences.kind(ofMountOn: index, of: manifest), manifest.path(of: index))
        }
        guard status.kind == FileStatus.Kind(entry.kind) else { return note(.kind, manifest.path(of: index)) }
        switch entry.kind {
        case .file:
            if status.size != entry.size {
                note(.content, manifest.path(of: index))
            } else if let isRight = try? hasContent(of: index, in: manifest, tree, progress) {
                if !isRight { note(.content, manifest.path(of: index)) }
            } else {
                note(.unreadable, manifest.path(of: index))
            }
        case .directory: lookForAdditions(in: index, manifest, tree, note)
        case .symbolicLink:
            let text = try? tree.parent(of: index)
            let found = text.flatMap { parent in
                try? manifest.withName(of: index) { (name) throws(Errno) in try parent.readLink(name) }
            }
            if found.map({ manifest.linkText(of: index).elementsEqual($0) }) != true {
                note(.link, manifest.path(of: index))
            }
            return
        }
        if status.mode != entry.mode { note(.mode, manifest.path(of: index)) }
        guard manifest.hasExtendedAttributes else { return }
        let attributes = try? tree.extendedAttributes(of: index, ExtendedAttributeBuffer())
        if attributes.map(manifest.extendedAttributes[index].isMet) != true {
            note(.attributes, manifest.path(of: index))
        }
    }

    private static func hasContent(
        of index: Int, in manifest: Manifest, _ tree: OpenDirectories, _ progress: AgentProgress
    ) throws(Errno) -> Bool {
        let file = try tree.openFile(index, O_RDONLY | O_NONBLOCK)
        defer { try? file.close() }
        return try file.hasContent(of: index, in: manifest, progress)
    }

    /// Names what came into a directory since.
    private static func lookForAdditions(
        in index: Int, _ manifest: Manifest, _ tree: OpenDirectories, _ note: (SlotDifferences.Kind, [UInt8]) -> Void
    ) {
        let known = Set(manifest.children(of: index).map { Array(manifest.name(of: $0)) })
        let path = manifest.path(of: index)
        do {
            try tree.directory(UInt32(index)).forEachName { name in
                let name = Array(name)
                if !known.contains(name) { note(.added, path.isEmpty ? name : path + [UInt8(ascii: "/")] + name) }
            }
        } catch { note(.unreadable, path) }
    }
}

extension FileStatus.Kind {
    fileprivate init(_ kind: Entry.Kind) {
        switch kind {
        case .file: self = .file
        case .directory: self = .directory
        case .symbolicLink: self = .symbolicLink
        }
    }
}
