// Puts into `shared` what the release's shared paths need on this host: folders, and once what the source holds there.
// AgentStage does it before it touches the slot. What cannot be put there is told, and the release goes on.

import SystemPackage

extension AgentSession {
    /// Puts into `shared` what the release lacks there, and says so; a dry run says what that would be. So it is for a release
    /// that stands in a slot already: somebody may have emptied `shared` since.
    func share(_ request: StageRequest, seeds: Manifest, ring: Ring) throws {
        guard let (shared, plan) = try planShared(request, seeds: seeds, ring: ring), !request.dryRun else { return }
        try carryOut(plan, in: shared, seeds: seeds, request, ring: ring)
    }

    /// Says what a release lacks in `shared`; refuses where a file is here and a folder there.
    private func planShared(_ request: StageRequest, seeds: Manifest, ring: Ring) throws -> (SharedFolder, SharedPlan)?
    {
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
        let plan = try SharedPlanner.plan(
            request.sharedPaths.map { ($0, files.contains($0)) }, in: shared, seeds: seeds,
            before: try ring.seededBefore())
        for warning in plan.warnings { try connection.send(.warning(warning)) }
        if !plan.missing.isEmpty {
            let paths = plan.missing.map { Array($0.utf8) }
            try connection.send(
                .warning(
                    "shared files are missing on this host: \(namedPaths(paths)). The release's links to them lead nowhere "
                        + "until somebody puts them there"))
        }
        if request.dryRun {
            let folders = plan.folders.compactMap(\.seededFor)
            try tellSeeded(plan.seeds.map(\.path) + folders, "would seed", seeds, request)
        }
        return (shared, plan)
    }

    /// - Parameter numbers: for each entry the number of its shared path.
    private func tellSeeded(_ numbers: [Int], _ verb: String, _ seeds: Manifest, _ request: StageRequest) throws {
        guard !numbers.isEmpty else { return }
        let counts = Dictionary(numbers.map { ($0, 1) }, uniquingKeysWith: +)
        let what = counts.sorted { $0.key < $1.key }.map { number, count in
            let path = request.sharedPaths[number]
            let seed = seeds.entry(at: path.split(separator: UInt8(ascii: "/")))
            let isFolder = seed.map { seeds.entries[$0].kind == .directory } ?? false
            let entries = isFolder ? " (\(NumberText.count(count, "entry", plural: "entries")))" : ""
            return "shared/\(String(decoding: path, as: UTF8.self))\(entries)"
        }
        let release = request.release.name.isEmpty ? "\(request.release.id)" : request.release.name
        try connection.send(
            .warning("\(verb) \(escapedForDisplay(what.joined(separator: ", "))) from release \(release)"))
    }

    /// Does what was planned, and says what came of it.
    private func carryOut(
        _ plan: SharedPlan, in shared: SharedFolder, seeds: Manifest, _ request: StageRequest, ring: Ring
    ) throws {
        let group = try RingGroup(of: ring)
        var seeding = Seeding(seen: plan.seen)
        for folder in plan.leftovers { shared.removeUnfinished(in: folder) }
        for folder in plan.folders {
            try seeding.attempt(folder.components, for: folder.seededFor) {
                try shared.makeFolder(folder, group: group)
            }
        }
        let due = plan.seeds.sorted { $0.entry < $1.entry }.filter { seeding.isOpen(seeds.components(of: $0.entry)) }
        try askForSeeds(due.map(\.entry).filter { seeds.entries[$0].size > 0 })
        var inflater = Inflater()
        for (index, number) in due {
            let (entry, path) = (seeds.entries[index], seeds.components(of: index))
            if entry.kind == .symbolicLink {
                try seeding.attempt(path, for: number) {
                    try shared.makeLink(path, to: seeds.linkText(of: index), as: entry)
                }
                continue
            }
            var arriving: SharedFolder.Arriving?
            try seeding.attempt(path, for: nil) { arriving = try shared.begin(path) }
            defer {
                arriving.map(shared.giveUp)
                try? arriving?.file.close()
            }
            // What nobody can take in is on its way all the same.
            let failure = try receiveSeed(entry, into: arriving?.file, seeds.path(of: index), &inflater)
            guard let arriving else { continue }
            try seeding.attempt(path, for: number) {
                if let failure { throw failure }
                try shared.finish(arriving, path, as: entry, seeds.extendedAttributes[index], group: group)
            }
        }
        for text in seeding.told { try connection.send(.warning(text)) }
        try tellSeeded(seeding.done, "seeded", seeds, request)
        guard !seeding.seen.isEmpty else { return }
        try shared.synchronize()
        let before = try ring.seededBefore()
        if !seeding.seen.isSubset(of: before) { try ring.noteSeeded(before.union(seeding.seen)) }
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
    ///
    /// - Parameter file: nil: nobody wants it any more.
    /// - Returns: why it could not be written.
    private func receiveSeed(
        _ entry: Entry, into file: FileDescriptor?, _ path: [UInt8], _ inflater: inout Inflater
    ) throws -> SlotSyncError? {
        let shown = "\(root)/shared/\(String(decoding: path, as: UTF8.self))"
        var hasher = ContentDigest.Hasher()
        var left = entry.size
        var written: Errno?
        while left > 0 {
            guard case .seed(let part)? = try receive() else { throw unexpected("no whole seed") }
            guard part.length > 0, UInt64(part.length) <= left else { throw unexpected("a seed of another length") }
            let bytes = try part.inflated(by: &inflater)
            if let file, written == nil {
                do { try bytes.withUnsafeBytes { try file.writeFully($0) } } catch let error as Errno {
                    written = error
                }
            }
            bytes.withUnsafeBytes { hasher.update($0) }
            left -= UInt64(part.length)
            progress.add(files: 0, bytes: UInt64(part.length))
        }
        guard hasher.digest() == entry.digest else {
            throw SlotSyncError(
                .verification, "what came for \(quoted(shown)) is not what the source has: stage again")
        }
        return written.map { failure(to: "write", shown, $0) }
    }
}

/// What has become of a plan so far.
private struct Seeding {
    /// What is not seeded again.
    var seen: Set<ContentDigest>
    /// For each entry that was seeded the number of its shared path.
    var done: [Int] = []
    /// What could not be made, in words.
    var told: [String] = []
    private var failed: Set<ContentDigest> = []
    private var failures = 0
    /// How many failures are told one by one.
    private static let mostTold = 3

    init(seen: Set<ContentDigest>) { self.seen = seen }

    /// Whether the folder of an entry could be made. Otherwise the entry is seeded another time.
    mutating func isOpen(_ components: [ArraySlice<UInt8>]) -> Bool {
        guard failed.contains(SharedFolder.key(of: Array(components.dropLast()))) else { return true }
        giveUp(components)
        return false
    }

    private mutating func giveUp(_ components: [ArraySlice<UInt8>]) {
        let key = SharedFolder.key(of: components)
        failed.insert(key)
        seen.remove(key)
    }

    /// Takes a step that is about one entry. Only a full disk ends the stage for it.
    mutating func attempt(_ components: [ArraySlice<UInt8>], for number: Int?, _ step: () throws -> Void) throws {
        guard isOpen(components) else { return }
        do { try step() } catch let error as SlotSyncError {
            guard error.code == .system else { throw error }
            giveUp(components)
            failures += 1
            if failures <= Self.mostTold { told.append("\(error): it is not seeded, and the release goes on") }
            if failures == Self.mostTold + 1 {
                told.append("and more of what the release has in `shared` is not seeded")
            }
            return
        }
        if let number { done.append(number) }
    }
}
