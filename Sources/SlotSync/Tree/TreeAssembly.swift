// Makes one manifest in level order of a walk's listings, which were read in any order. This is the second half of
// TreeWalk; it works on memory alone.

/// Puts a tree together from its directories' listings.
struct TreeAssembly {
    let listings: [FolderListing?]
    /// For each listing the number of its first subdirectory; the others follow in order.
    let firstFolders: [Int]
    let name: String
    let options: WalkOptions

    func tree() throws -> WalkedTree {
        guard let top = listings[0] else { preconditionFailure("a walk begins with its root") }
        let count = listings.reduce(1) { $0 + ($1?.items.count ?? 0) }
        guard count <= Manifest.mostEntries else {
            throw SlotSyncError(.badInput, "\(name) has more than \(Manifest.mostEntries) entries")
        }
        var tree = WalkedTree(manifest: Manifest(rootMode: top.status.mode), statuses: [top.status])
        tree.manifest.hasOwnership = options.ownership
        tree.manifest.hasHardLinks = options.hardLinks
        tree.manifest.entries[0] = entry(for: top.status, .directory, parent: 0)
        tree.manifest.reserve(count, textBytes: count * 16)
        tree.statuses.reserveCapacity(count)

        // Directories come by in the order of their entries, so a list with a cursor finds their listings.
        var folders = [0]
        folders.reserveCapacity(listings.count)
        var nextFolder = 0
        var directory = 0
        while directory < tree.manifest.count {
            if tree.manifest.entries[directory].kind == .directory {
                let folder = folders[nextFolder]
                nextFolder += 1
                guard let listing = listings[folder] else { preconditionFailure("a walk reads every directory") }
                append(listing, firstFolder: firstFolders[folder], to: directory, of: &tree, &folders)
                guard tree.manifest.text.count <= Int(UInt32.max) else {
                    throw SlotSyncError(.badInput, "\(name) has more than 4 GiB of names")
                }
            }
            directory += 1
        }
        tree.manifest.hasSHA256 = options.sha256
        if options.sha256 { tree.manifest.sha256 = [SHA256Digest](repeating: .none, count: tree.manifest.count) }
        tree.specials.sort { $0.path.lexicographicallyPrecedes($1.path) }
        return tree
    }

    private func append(
        _ listing: FolderListing, firstFolder: Int, to directory: Int, of tree: inout WalkedTree, _ folders: inout [Int]
    ) {
        tree.manifest.beginChildren(of: directory)
        var folder = firstFolder
        for (index, item) in listing.items.enumerated() {
            var status = item.status
            let kind: Entry.Kind
            switch status.kind {
            case .file: kind = .file
            case .symbolicLink: kind = .symbolicLink
            case .directory:
                kind = .directory
                // The status from when it was read, which is the newer one.
                status = listings[folder]?.status ?? status
                folders.append(folder)
                folder += 1
            case .other:
                let components = tree.manifest.components(of: directory) + [listing.name(of: index)]
                tree.specials.append((Array(components.joined(separator: [UInt8(ascii: "/")])), status.specialKind))
                continue
            }
            tree.manifest.append(
                entry(for: status, kind, parent: UInt32(directory)), name: listing.name(of: index),
                linkText: listing.linkText(of: index))
            tree.statuses.append(status)
        }
    }

    private func entry(for status: FileStatus, _ kind: Entry.Kind, parent: UInt32) -> Entry {
        var entry = Entry(kind: kind, mode: kind == .symbolicLink ? 0o777 : status.mode, parent: parent)
        entry.take(status)
        if options.ownership {
            entry.owner = status.owner
            entry.group = status.group
        }
        return entry
    }
}

extension Entry {
    /// Takes over what a file's status says of its content's shape and age.
    mutating func take(_ status: FileStatus) {
        modified = status.modified
        guard kind == .file else { return }
        mode = status.mode
        size = status.size
        isSparse = status.isSparse
    }
}

extension WalkedTree {
    /// Notes which files are hard links to an earlier one, for each its group's first entry.
    mutating func linkHardLinks() {
        var leaders: [FileIdentity: Int] = [:]
        for index in statuses.indices where statuses[index].kind == .file && statuses[index].links > 1 {
            guard let leader = leaders.updateValue(index, forKey: FileIdentity(statuses[index])) else { continue }
            leaders[FileIdentity(statuses[index])] = leader
            manifest.entries[leader].start = UInt32(leader + 1)
            manifest.entries[index].start = UInt32(leader + 1)
        }
    }
}
