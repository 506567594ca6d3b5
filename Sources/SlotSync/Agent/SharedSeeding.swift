// Puts into `shared` what the release's shared paths need on this host: folders, and once what the source holds there.
// AgentStage does it before it touches the slot, so that what cannot be done leaves all as it is.

import SystemPackage

extension AgentSession {
    /// Says what a release lacks in `shared`; refuses where a file is here and a folder there.
    func planShared(_ request: StageRequest, seeds: Manifest, ring: Ring) throws -> (SharedFolder, SharedPlan)? {
        guard !request.sharedPaths.isEmpty else { return nil }
        if !request.dryRun,
            case .failure(.noSuchFileOrDirectory) = Result(catching: { () throws(Errno) in
                try ring.root.status(of: "shared")
            })
        {
            try naming("make", root + "/shared") {
                try ring.root.makeDirectoryUnmasked("shared", mode: 0o755)
                ring.owner.adopt("shared", in: ring.root)
            }
        }
        guard let shared = SharedFolder(of: ring) else {
            // We follow no link, but the release's links lead through it.
            try connection.send(
                .warning("\(quoted(root + "/shared")) is no folder: what it should hold is not made there"))
            return nil
        }
        let files = Set(request.sharedFiles)
        let plan = try shared.plan(
            request.sharedPaths.map { ($0, files.contains($0)) }, seeds: seeds, before: try ring.seededBefore())
        for warning in plan.warnings { try connection.send(.warning(warning)) }
        if !plan.missing.isEmpty {
            let paths = plan.missing.map { Array($0.utf8) }
            try connection.send(
                .warning(
                    "shared files are missing on this host: \(namedPaths(paths)). The release's links to them lead nowhere "
                        + "until somebody puts them there"))
        }
        if !plan.seeded.isEmpty {
            let what = plan.seeded.map { path, count, isFolder in
                isFolder
                    ? "shared/\(path) (\(NumberText.count(count, "entry", plural: "entries")))" : "shared/\(path)"
            }
            let release = request.release.name.isEmpty ? "\(request.release.id)" : request.release.name
            try connection.send(
                .warning(
                    "\(request.dryRun ? "would seed" : "seeded") \(escapedForDisplay(what.joined(separator: ", "))) from release "
                        + release))
        }
        return (shared, plan)
    }

    func carryOut(_ plan: SharedPlan, in shared: SharedFolder, seeds: Manifest, ring: Ring) throws {
        let group = try RingGroup(of: ring)
        for folder in plan.folders { try shared.makeFolder(folder, group: group) }
        let needed = plan.seeds.filter { seeds.entries[$0].size > 0 }.sorted()
        try askForSeeds(needed)
        var inflater = Inflater()
        for index in plan.seeds.sorted() {
            let (entry, path) = (seeds.entries[index], seeds.components(of: index))
            if entry.kind == .symbolicLink {
                try shared.makeLink(path, to: seeds.linkText(of: index), as: entry)
                continue
            }
            let arriving = try shared.begin(path)
            defer { try? arriving.file.close() }
            do {
                try receiveSeed(entry, into: arriving.file, seeds.path(of: index), &inflater)
                try shared.finish(arriving, path, as: entry, seeds.extendedAttributes[index], group: group)
            } catch {
                shared.giveUp(arriving)
                throw error
            }
        }
        guard !plan.seen.isEmpty else { return }
        try shared.synchronize()
        let before = try ring.seededBefore()
        if !plan.seen.isSubset(of: before) { try ring.noteSeeded(before.union(plan.seen)) }
    }

    private func askForSeeds(_ needed: [Int]) throws {
        var rest = needed[...]
        while !rest.isEmpty {
            let part = rest.prefix(WireLimits.mostNeedsPerPart)
            rest = rest.dropFirst(part.count)
            try connection.send(.seedsNeeded(part.map { UInt32($0) }, isLast: rest.isEmpty))
        }
    }

    /// Receives one file's content, in parts.
    private func receiveSeed(
        _ entry: Entry, into file: FileDescriptor, _ path: [UInt8], _ inflater: inout Inflater
    ) throws {
        let shown = "\(root)/shared/\(String(decoding: path, as: UTF8.self))"
        var hasher = ContentDigest.Hasher()
        var left = entry.size
        while left > 0 {
            guard case .seed(let part)? = try receive() else { throw unexpected("no whole seed") }
            guard part.length > 0, UInt64(part.length) <= left else { throw unexpected("a seed of another length") }
            let bytes = try part.inflated(by: &inflater)
            try naming("write", shown) { try bytes.withUnsafeBytes { try file.writeFully($0) } }
            bytes.withUnsafeBytes { hasher.update($0) }
            left -= UInt64(part.length)
            progress.add(files: 0, bytes: UInt64(part.length))
        }
        guard hasher.digest() == entry.digest else {
            throw SlotSyncError(
                .verification, "what came for \(quoted(shown)) is not what the source has: stage again")
        }
    }
}
