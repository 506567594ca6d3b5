// Opens content of sealed slots, and of entries that are in place, and tells whether it still is what a plan counts on. One
// per thread; what it knows is shared. SlotSources adds what lies aside, SlotCopier has one on each of its threads.

import Glibc
import SystemPackage

/// Content on this host, open for reading; whoever asked for it closes it.
struct SourceFile {
    var descriptor: FileDescriptor
    var status: FileStatus
}

/// What is known of the files that content is copied from.
struct KnownSources: Sendable {
    /// A sealed slot, and what it was like when it was sealed.
    struct Sealed: Sendable {
        var root: Directory
        var record: SlotRecord
    }

    let target: Manifest
    /// For each entry of the release the entry of the slot's old content that stays there for it; -1: none.
    let kept: [Int32]
    /// What the old content was like.
    let seen: SeenStatuses
    let progress: AgentProgress
    /// The other slots, as far as they were asked for; nil: it has no record, or no folder.
    var slots: [Int: Sealed?] = [:]

    /// Whether an open file has the content that is looked for: by its status where that tells, else by reading it.
    func vouches(for location: ContentLocation, _ file: FileDescriptor, _ status: FileStatus) -> Bool {
        guard status.kind == .file else { return false }
        switch location {
        // Only the record of a sealed slot says what a file's status was.
        case .slot(let number, let entry): return slots[number]??.record.vouches(for: entry, status) ?? false
        case .aside: return false
        case .target(let entry):
            let wanted = target.entries[entry]
            guard status.size == wanted.size else { return false }
            let old = Int(kept[entry])
            let isKnown = old < 0 ? status.modified == wanted.modified : seen.isSame(old, as: status)
            return isKnown || (try? file.contentDigest(progress)) == wanted.digest
        }
    }

    /// How many bytes the content at a location has; nil where that is not known without looking.
    func size(at location: ContentLocation) -> UInt64? {
        guard case .slot(let number, let entry) = location, let slot = slots[number] ?? nil else { return nil }
        let found = slot.record.manifest.entries[entry]
        return found.kind == .file ? found.size : nil
    }
}

/// Opens what is copied. One per thread.
struct SourceReader {
    var known: KnownSources
    /// The slot that is being filled, by the release's entries.
    private let tree: OpenDirectories
    /// How many directories of each other slot are kept open.
    private let most: Int
    private var slots: [Int: OpenDirectories] = [:]

    init(_ known: KnownSources, tree: OpenDirectories, keeping most: Int = 16) {
        (self.known, self.tree, self.most) = (known, tree, most)
    }

    /// Opens a file without a look at it; nil where there is none. What is `aside` is not found here.
    mutating func openUnseen(_ location: ContentLocation) throws -> FileDescriptor? {
        switch location {
        case .target(let entry): return try tree.openFile(entry, O_RDONLY | O_NONBLOCK)
        case .slot(let number, let entry): return try directories(of: number)?.openFile(entry, O_RDONLY | O_NONBLOCK)
        case .aside: return nil
        }
    }

    /// Opens content; nil if it cannot be opened, or is no longer what it was.
    mutating func open(_ location: ContentLocation) -> SourceFile? {
        guard let file = try? openUnseen(location) else { return nil }
        guard let status = try? file.status(), known.vouches(for: location, file, status) else {
            try? file.close()
            return nil
        }
        return SourceFile(descriptor: file, status: status)
    }

    private mutating func directories(of slot: Int) -> OpenDirectories? {
        if let open = slots[slot] { return open }
        guard let sealed = known.slots[slot] ?? nil else { return nil }
        let directories = OpenDirectories(root: sealed.root, manifest: sealed.record.manifest, keeping: most)
        slots[slot] = directories
        return directories
    }
}
