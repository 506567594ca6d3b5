// What makes a manifest one that hosts can be given: paths that outlive releases become links into
// `shared/`, and what no release has is refused.

extension Manifest {
    /// This manifest with a link to `shared/PATH` at each path, in place of what the source has there.
    ///
    /// - Parameter paths: relative paths, checked by `SharedPaths`.
    /// - Returns: the manifest, and for each of its entries the entry of this one, -1 for what was added.
    func linkingShared(_ paths: [[ArraySlice<UInt8>]]) -> (manifest: Manifest, origins: [Int32]) {
        var result = Manifest(rootMode: entries[0].mode)
        result.hasOwnership = hasOwnership
        result.hasHardLinks = hasHardLinks
        result.entries[0].owner = entries[0].owner
        result.entries[0].group = entries[0].group
        result.entries[0].modified = entries[0].modified
        var origins: [Int32] = [0]
        var moved: [Int: Int] = [0: 0]
        // Which shared paths go through each directory of the result, with the components consumed so far.
        var through: [Int: [Int]] = [0: Array(paths.indices)]
        var depth: [Int: Int] = [0: 0]
        var directory = 0
        while directory < result.entries.count {
            defer { directory += 1 }
            guard result.entries[directory].kind == .directory else { continue }
            result.beginChildren(of: directory)
            let level = depth[directory] ?? 0
            var names: [[UInt8]: (original: Int?, shared: [Int])] = [:]
            if origins[directory] >= 0 {
                for child in children(of: Int(origins[directory])) { names[Array(name(of: child))] = (child, []) }
            }
            for path in through[directory] ?? [] {
                names[Array(paths[path][level]), default: (nil, [])].shared.append(path)
            }
            for (name, what) in names.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                let index = result.entries.count
                if let path = what.shared.first(where: { paths[$0].count == level + 1 }) {
                    let up = String(repeating: "../", count: level + 2)
                    let text =
                        Array(up.utf8) + Array("shared/".utf8)
                        + Array(paths[path].joined(separator: [UInt8(ascii: "/")]))
                    var link = Entry(kind: .symbolicLink, mode: 0o777, parent: UInt32(directory))
                    link.owner = entries[0].owner
                    link.group = entries[0].group
                    link.modified = entries[0].modified
                    result.append(link, name: name, linkText: text)
                    origins.append(-1)
                } else if let original = what.original, what.shared.isEmpty || entries[original].kind == .directory {
                    var entry = entries[original]
                    entry.parent = UInt32(directory)
                    if entry.kind == .file, let leader = linkLeader(of: original) {
                        // The group's first member may have gone into a shared path; the next one leads then.
                        let leads = moved[leader] ?? index
                        moved[leader] = leads
                        entry.start = UInt32(leads) + 1
                    }
                    let link: ArraySlice<UInt8> = entry.kind == .symbolicLink ? linkText(of: original) : []
                    result.append(entry, name: name, linkText: link)
                    origins.append(Int32(original))
                } else {
                    var folder = Entry(kind: .directory, mode: 0o755, parent: UInt32(directory))
                    folder.owner = entries[0].owner
                    folder.group = entries[0].group
                    folder.modified = entries[0].modified
                    result.append(folder, name: name, linkText: [])
                    origins.append(-1)
                }
                if result.entries[index].kind == .directory {
                    depth[index] = level + 1
                    through[index] = what.shared
                }
            }
        }
        result.takeExtendedAttributes(of: self, origins: origins.lazy.map { Int($0) })
        result.takeSHA256(of: self, origins: origins.lazy.map { Int($0) })
        return (result, origins)
    }
}

extension Manifest {
    /// Refuses what no release has, before a host counts on it: more content than fits the numbers that plans are
    /// made with, and a digest for no content, which is never received and so never verified.
    func checkContents() throws(SlotSyncError) {
        var total: UInt64 = 0
        for entry in entries where entry.kind == .file {
            let (sum, overflow) = total.addingReportingOverflow(entry.size)
            guard !overflow, sum <= UInt64(Int64.max) / 2 else {
                throw SlotSyncError(.corrupt, "the manifest is damaged: more content than any disk holds")
            }
            total = sum
            guard entry.size > 0 || entry.digest == .empty else {
                throw SlotSyncError(.corrupt, "the manifest is damaged: a digest for no content")
            }
        }
    }
}

/// Checks `--shared` paths.
enum SharedPaths {
    /// How many paths a release may share.
    static let mostPaths = 1024

    /// The components of each path, in no need of resolution.
    static func parse(_ paths: [String]) throws(SlotSyncError) -> [[ArraySlice<UInt8>]] {
        var parsed: [[ArraySlice<UInt8>]] = []
        for path in paths {
            let components = Array(path.utf8).split(separator: UInt8(ascii: "/"))
            guard !path.hasPrefix("/"), !components.isEmpty,
                components.allSatisfy({
                    $0.count <= Manifest.longestName && !$0.contains(0) && $0 != [46] && $0 != [46, 46]
                })
            else {
                throw SlotSyncError(
                    .badInput, "shared path \(quoted(path)): write a path relative to the release, such as uploads")
            }
            if parsed.contains(where: { $0.starts(with: components) || components.starts(with: $0) }) {
                throw SlotSyncError(.badInput, "shared path \(quoted(path)) is named twice, or lies in another one")
            }
            // A link at the end of the path climbs as many levels.
            guard path.utf8.count + 3 * components.count + "../shared/".utf8.count <= Manifest.longestLink else {
                throw SlotSyncError(.badInput, "shared path \(quoted(path)) is too long for a link to it")
            }
            parsed.append(components)
        }
        guard parsed.count <= mostPaths else {
            throw SlotSyncError(.badInput, "\(parsed.count) shared paths: at most \(mostPaths) are allowed")
        }
        return parsed
    }
}
