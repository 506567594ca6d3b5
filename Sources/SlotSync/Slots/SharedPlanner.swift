// Finds out what a release lacks in `shared` on this host, and what of that cannot be made: a link, a mount or somebody
// else's folder is in the way. Nothing of that holds up a release; each obstacle is told once. SharedSeeding asks it
// before anything is touched.

import Glibc
import SystemPackage

/// What a stage does below `shared`.
struct SharedPlan {
    struct Folder {
        var components: [ArraySlice<UInt8>]
        var mode: UInt16 = 0o755
        var attributes = ExtendedAttributes()
        /// The shared path that it is seeded for; nil: it only leads there, or is the shared path itself.
        var seededFor: Int?
    }

    /// Folders to make, parents first.
    var folders: [Folder] = []
    /// Entries of the seeds that this host lacks, files and links, each with the number of its shared path.
    var seeds: [(entry: Int, path: Int)] = []
    /// All paths of seeds that were seen here, or are to come: none of them is seeded again.
    var seen: Set<ContentDigest> = []
    /// Folders in which a stage that was killed has left a file.
    var leftovers: [[ArraySlice<UInt8>]] = []
    /// Shared files that nobody has, for a person.
    var missing: [String] = []
    /// What is not done, and why.
    var warnings: [String] = []
}

/// Makes a plan from what is there.
struct SharedPlanner {
    let shared: SharedFolder
    let seeds: Manifest
    /// The keys of what was seeded before.
    let before: Set<ContentDigest>
    private var plan = SharedPlan()
    private var obstacles = 0
    /// How many obstacles are told.
    private static let mostTold = 5

    private init(_ shared: SharedFolder, _ seeds: Manifest, _ before: Set<ContentDigest>) {
        self.shared = shared
        self.seeds = seeds
        self.before = before
    }

    /// - Parameters:
    ///   - paths: the shared paths, and whether each is a file whoever has it.
    ///   - seeds: what the source holds there.
    ///   - before: the keys of what was seeded before.
    /// - Throws: `notReady` where a file is here and a folder is there, or the other way round.
    static func plan(
        _ paths: [(path: [UInt8], isFile: Bool)], in shared: SharedFolder, seeds: Manifest, before: Set<ContentDigest>
    ) throws -> SharedPlan {
        var planner = SharedPlanner(shared, seeds, before)
        for (number, path) in paths.enumerated() {
            let components = path.path.split(separator: UInt8(ascii: "/"))
            try planner.take(number, components, isFile: path.isFile)
        }
        if planner.obstacles > mostTold {
            let more = NumberText.count(planner.obstacles - mostTold, "more place")
            planner.plan.warnings.append("\(more) in \(quoted(shared.path)) cannot be seeded either")
        }
        return planner.plan
    }

    private mutating func warn(_ text: String) {
        obstacles += 1
        if obstacles <= Self.mostTold { plan.warnings.append(text) }
    }

    private static let notSeeded = ", so what the release has there is not seeded"

    // MARK: One shared path

    private mutating func take(_ number: Int, _ components: [ArraySlice<UInt8>], isFile: Bool) throws {
        let seed = seeds.entry(at: components)
        let isFolderThere = seed.map { seeds.entries[$0].kind == .directory } ?? false
        let isFileWanted = isFile || (seed != nil && !isFolderThere)
        switch shared.look(at: components) {
        case .outOfReach(let why): warn("\(why), so nothing is made at \(quoted(shared.shown(components)))")
        case .file where isFolderThere: throw conflict(components, here: "a file", there: "a folder")
        case .folder where isFileWanted: throw conflict(components, here: "a folder", there: "a file")
        case .missing(let folder, let above):
            try planMissing(number, components, seed, isFileWanted: isFileWanted, below: folder, above)
        case .folder:
            if let seed { collect(seed, components, isThere: true, for: number) }
        case .link(let target):
            // A file is as good behind a link, a folder may lack something.
            guard let seed, isFolderThere ? hasSeeds(below: seed) : target != .file else {
                return note(components, seed)
            }
            let lack = target == nil ? "leads nowhere" : "SlotSync does not follow"
            warn("\(quoted(shared.shown(components))) is a link, which \(lack)\(Self.notSeeded)")
        case .file, .other: note(components, seed)
        }
    }

    private mutating func note(_ components: [ArraySlice<UInt8>], _ seed: Int?) {
        if seed != nil { plan.seen.insert(SharedFolder.key(of: components)) }
    }

    private mutating func planMissing(
        _ number: Int, _ components: [ArraySlice<UInt8>], _ seed: Int?, isFileWanted: Bool, below folder: Directory,
        _ above: [ArraySlice<UInt8>]
    ) throws {
        let key = SharedFolder.key(of: components)
        let isDue = isFileWanted && seed != nil && !before.contains(key)
        if isFileWanted, !isDue { plan.missing.append(shared.shown(components)) }
        // Only what leads to a file that nobody has: it is of use when somebody puts that there.
        let isNeeded = !isFileWanted || isDue || components.count > above.count + 1
        if isNeeded, let error = shared.writeError(folder) {
            let what = isDue ? Self.notSeeded : ", so nothing is made at \(quoted(shared.shown(components)))"
            let lack = isFileWanted && !isDue ? "" : ". The release's link to it leads nowhere until somebody does"
            let reason = shared.reason(error, above, try? folder.status())
            return warn("\(reason)\(what)\(shared.remedy(error, above))\(lack)")
        }
        for level in above.count + 1..<max(components.count, above.count + 1) {
            plan.folders.append(.init(components: Array(components[..<level])))
        }
        if isDue, let seed {
            plan.seen.insert(key)
            plan.seeds.append((seed, number))
        } else if isFileWanted {
            note(components, seed)
        } else {
            plan.folders.append(seed.map { made(components, $0) } ?? .init(components: components))
            if let seed { collect(seed, components, isThere: false, for: number) }
        }
    }

    private func made(
        _ components: [ArraySlice<UInt8>], _ seed: Int, seededFor number: Int? = nil
    ) -> SharedPlan.Folder {
        .init(
            components: components, mode: seeds.entries[seed].mode, attributes: seeds.extendedAttributes[seed],
            seededFor: number)
    }

    private func conflict(_ components: [ArraySlice<UInt8>], here: String, there: String) -> SlotSyncError {
        let path = shared.shown(components)
        let remedy = here == "a folder" ? "if it is empty, rmdir \(ShellWords.quoted(path))" : "move it away"
        return SlotSyncError(
            .notReady,
            "\(quoted(path)) is \(here) on this host, but is to be \(there) for this release: nothing was changed. Look what "
                + "it holds (\(remedy)), then stage again")
    }

    // MARK: A folder of seeds

    /// Whether anything below a folder of the seeds was never seeded.
    private func hasSeeds(below folder: Int) -> Bool {
        var open = [(folder, seeds.components(of: folder))]
        while let (index, components) = open.popLast() {
            for child in seeds.children(of: index) {
                let below = components + [seeds.name(of: child)]
                if !before.contains(SharedFolder.key(of: below)) { return true }
                if seeds.entries[child].kind == .directory { open.append((child, below)) }
            }
        }
        return false
    }

    /// Collects what is missing below a folder, without recursion: a tree may be deep.
    private mutating func collect(
        _ seed: Int, _ components: [ArraySlice<UInt8>], isThere: Bool, for number: Int
    ) {
        plan.seen.insert(SharedFolder.key(of: components))
        var open = [(seed, components, isThere)]
        while let (index, components, isThere) = open.popLast() {
            guard isThere else {
                for child in seeds.children(of: index) { take(child, components, for: number, &open) }
                continue
            }
            let folder: Directory
            do { folder = try shared.top.openDirectory(beneath: components) } catch {
                // Nothing below it is looked at: it would meet the same.
                guard hasSeeds(below: index) else { continue }
                let status = try? shared.look(atFolder: components)
                warn("\(shared.reason(error, components, status))\(Self.notSeeded)\(shared.remedy(error, components))")
                continue
            }
            if (try? folder.status(of: SharedFolder.unfinished).kind) == .file { plan.leftovers.append(components) }
            collect(in: folder, index, components, for: number, &open)
        }
    }

    /// Looks for the entries of one folder that is there.
    private mutating func collect(
        in folder: Directory, _ index: Int, _ components: [ArraySlice<UInt8>], for number: Int,
        _ open: inout [(Int, [ArraySlice<UInt8>], Bool)]
    ) {
        var missing: [Int] = []
        for child in seeds.children(of: index) {
            let below = components + [seeds.name(of: child)]
            let key = SharedFolder.key(of: below)
            let status: FileStatus
            do { status = try folder.status(of: cName(seeds.name(of: child))) } catch {
                if error == .noSuchFileOrDirectory {
                    missing.append(child)
                } else if !before.contains(key) {
                    warn("\(shared.reason(error, below, nil))\(Self.notSeeded)")
                }
                continue
            }
            switch (status.kind, seeds.entries[child].kind) {
            case (.directory, .directory):
                plan.seen.insert(key)
                open.append((child, below, true))
            case (.symbolicLink, .directory):
                guard hasSeeds(below: child) else { continue }
                warn("\(shared.reason(.notDirectory, below, status))\(Self.notSeeded)")
            case (.file, .directory), (.other, .directory), (.directory, _):
                plan.seen.insert(key)
                guard !before.contains(key) else { continue }
                warn("\(quoted(shared.shown(below))) is something else than in the release, and stays as it is")
            // One link or file may stand for another.
            default: plan.seen.insert(key)
            }
        }
        missing.removeAll { before.contains(SharedFolder.key(of: components + [seeds.name(of: $0)])) }
        guard !missing.isEmpty else { return }
        if let error = shared.writeError(folder) {
            let why = shared.reason(error, components, try? folder.status())
            return warn("\(why)\(Self.notSeeded)\(shared.remedy(error, components))")
        }
        for child in missing { take(child, components, for: number, &open) }
    }

    /// Plans an entry that is missing, in a folder that can be written or is to be made.
    private mutating func take(
        _ child: Int, _ components: [ArraySlice<UInt8>], for number: Int,
        _ open: inout [(Int, [ArraySlice<UInt8>], Bool)]
    ) {
        let below = components + [seeds.name(of: child)]
        let key = SharedFolder.key(of: below)
        guard !before.contains(key) else { return }
        plan.seen.insert(key)
        guard seeds.entries[child].kind == .directory else { return plan.seeds.append((child, number)) }
        plan.folders.append(made(below, child, seededFor: number))
        open.append((child, below, false))
    }
}
