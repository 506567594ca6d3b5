// What stands in a slot and was not put there by a stage, and files that somebody changed after they were sealed. A stage
// says which of them go before they do, keeps them, or refuses, as the controller asks for. AgentStage calls it.

import SystemPackage

/// The entries of a slot that are foreign, by their index in what was found there.
struct ForeignEntries {
    let actual: SlotContent
    let past: SlotPast
    /// Whether it can be told at all.
    let isKnown: Bool
    private let isAddition: [Bool]
    private let isEdited: [Bool]

    init(in actual: SlotContent, past: SlotPast) {
        self.actual = actual
        self.past = past
        let manifest = actual.manifest
        var isOurs = [Bool](repeating: false, count: manifest.count)
        var isEdited = isOurs
        isOurs[0] = true
        var isKnown = true
        if actual.isAsSealed {
            isOurs = [Bool](repeating: true, count: manifest.count)
        } else {
            switch past {
            case .empty: break
            case .unknown:
                isKnown = false
                isOurs = [Bool](repeating: true, count: manifest.count)
            case .sealed(let sealed):
                for (index, twin) in manifest.twins(in: sealed).enumerated() where twin >= 0 {
                    isOurs[index] = true
                    isEdited[index] = Self.isEdited(index, of: manifest, since: sealed, Int(twin))
                }
            case .interrupted(let target, let before):
                (isOurs, isEdited) = Self.look(at: manifest, after: target, before)
            }
        }
        self.isKnown = isKnown
        isAddition = isOurs.map { !$0 }
        self.isEdited = isEdited
    }

    /// What is ours, and what of that somebody changed, in a slot whose stage was interrupted.
    ///
    /// - Parameters:
    ///   - target: what the stage was to make. That may be there in part; all else it keeps, or removes.
    ///   - before: what was there before it.
    private static func look(
        at found: Manifest, after target: Manifest, _ before: [Manifest]
    ) -> (isOurs: [Bool], isEdited: [Bool]) {
        let targetTwins = found.twins(in: target)
        let twinsBefore = before.map { found.twins(in: $0) }
        var (isOurs, isEdited) = (
            [Bool](repeating: false, count: found.count), [Bool](repeating: false, count: found.count)
        )
        isOurs[0] = true
        for index in found.entries.indices {
            let known = zip(before, twinsBefore).filter { $0.1[index] >= 0 }.map { ($0.0, Int($0.1[index])) }
            let wanted = Int(targetTwins[index])
            isOurs[index] = isOurs[index] || wanted >= 0 || !known.isEmpty
            let isAsWanted =
                wanted >= 0
                && (!self.isEdited(index, of: found, since: target, wanted)
                    || isInTheMaking(found.entries[index], target.entries[wanted]))
            let isAsBefore = known.contains { !self.isEdited(index, of: found, since: $0.0, $0.1) }
            isEdited[index] = isOurs[index] && index != 0 && !isAsWanted && !isAsBefore
        }
        return (isOurs, isEdited)
    }

    private static func isInTheMaking(_ found: Entry, _ wanted: Entry) -> Bool {
        found.kind == .file
            && (SlotWriter.isInTheMaking(mode: found.mode, size: found.size, of: wanted)
                || SlotWriter.isLeftOf(wanted, size: found.size, modified: found.modified))
    }

    private static func isEdited(_ index: Int, of actual: Manifest, since sealed: Manifest, _ twin: Int) -> Bool {
        let (found, expected) = (actual.entries[index], sealed.entries[twin])
        guard found.kind == expected.kind else { return true }
        switch found.kind {
        case .directory: return false
        case .symbolicLink: return !actual.linkText(of: index).elementsEqual(sealed.linkText(of: twin))
        case .file:
            // What cannot be read may be the disk's fault.
            let isUnreadable = found.digest == TreeHashing.unknown && found.modified == expected.modified
            return found.size != expected.size || (found.digest != expected.digest && !isUnreadable)
        }
    }

    // MARK: What goes

    /// What a stage that removes `obsolete` takes away for good: paths of additions without the folders around them,
    /// and of edited files.
    func going(with obsolete: [Int]) -> (additions: [[UInt8]], edits: [[UInt8]]) {
        let manifest = actual.manifest
        var additions: [[UInt8]] = actual.specials
        var edits: [[UInt8]] = []
        var isEnclosing = [Bool](repeating: false, count: manifest.count)
        for path in actual.specials { markEnclosing(path.split(separator: UInt8(ascii: "/")).dropLast(), &isEnclosing) }
        // Children stand behind their folders.
        for index in obsolete.reversed() {
            if isAddition[index], !isEnclosing[index] { additions.append(manifest.path(of: index)) }
            if isEdited[index] { edits.append(manifest.path(of: index)) }
            if isAddition[index] { isEnclosing[Int(manifest.entries[index].parent)] = true }
        }
        return (
            additions.sorted { $0.lexicographicallyPrecedes($1) }, edits.sorted { $0.lexicographicallyPrecedes($1) }
        )
    }

    private func markEnclosing(_ folders: some Sequence<ArraySlice<UInt8>>, _ isEnclosing: inout [Bool]) {
        if let folder = actual.manifest.entry(at: folders) { isEnclosing[folder] = true }
    }

    // MARK: What stays

    /// What of `change.obsolete` is kept so that no addition goes.
    struct Kept {
        /// Entries of the slot that stay: additions, and the folders around them.
        var entries: Set<Int> = []
        /// Whether FIFOs, sockets and devices stay.
        var specials = false
        /// Their names in folders of the release, by its entries.
        var names: KeptNames = [:]
    }

    /// - Returns: what has to stay, or the paths for which that is not possible.
    func keeping(from change: SlotChange, for target: Manifest) -> (kept: Kept, conflicts: [[UInt8]]) {
        let manifest = actual.manifest
        let twins = manifest.twins(in: target)
        var kept = Kept()
        var conflicts = going(with: change.obsolete).edits
        let isObsolete = Set(change.obsolete)
        for index in change.obsolete where isAddition[index] {
            if isFree(index, twins, target) {
                keep(index, isObsolete, &kept)
            } else {
                conflicts.append(manifest.path(of: index))
            }
        }
        for path in actual.specials {
            let components = path.split(separator: UInt8(ascii: "/"))
            let folder = manifest.entry(at: components.dropLast()) ?? 0
            guard target.entry(at: components) == nil, folder == 0 || isFree(folder, twins, target, orFolder: true)
            else {
                conflicts.append(path)
                continue
            }
            kept.specials = true
            if isObsolete.contains(folder) { keep(folder, isObsolete, &kept) }
            note(Array(components.last ?? []), in: folder, twins, &kept)
        }
        for index in kept.entries {
            note(Array(manifest.name(of: index)), in: Int(manifest.entries[index].parent), twins, &kept)
        }
        return (kept, conflicts.sorted { $0.lexicographicallyPrecedes($1) })
    }

    private func note(_ name: [UInt8], in folder: Int, _ twins: [Int32], _ kept: inout Kept) {
        if !kept.entries.contains(folder), twins[folder] >= 0 {
            kept.names[Int(twins[folder]), default: []].insert(name)
        }
    }

    private func keep(_ index: Int, _ isObsolete: Set<Int>, _ kept: inout Kept) {
        var index = index
        while isObsolete.contains(index), kept.entries.insert(index).inserted {
            index = Int(actual.manifest.entries[index].parent)
        }
    }

    /// Whether the release has nothing at an entry's path, and only folders around it.
    private func isFree(_ index: Int, _ twins: [Int32], _ target: Manifest, orFolder: Bool = false) -> Bool {
        var (index, isFirst) = (index, true)
        while index != 0 {
            if twins[index] >= 0 {
                guard target.entries[Int(twins[index])].kind == .directory, !isFirst || orFolder else { return false }
            }
            isFirst = false
            index = Int(actual.manifest.entries[index].parent)
        }
        return true
    }

    /// What is ours of the slot's content, for whoever comes after this stage was interrupted.
    var ours: Manifest {
        actual.manifest.keeping {
            !isAddition[$0] && (!isEdited[$0] || actual.manifest.entries[$0].kind == .directory)
        }
    }
}

extension ForeignEntries {
    /// What of the slot's content is not SlotSync's and goes with `obsolete`, for a person; nil if nothing does.
    func text(ofGoing obsolete: [Int]) -> String? {
        let (additions, edits) = going(with: obsolete)
        var parts: [String] = []
        if !additions.isEmpty {
            let count = NumberText.count(additions.count, "entry", plural: "entries")
            parts.append("\(count) that no stage put there (\(namedPaths(additions)))")
        }
        if !edits.isEmpty {
            let count = NumberText.count(edits.count, "entry", plural: "entries")
            parts.append("\(count) changed since the release was staged (\(namedPaths(edits)))")
        }
        return parts.isEmpty ? nil : parts.joined(separator: " and ")
    }
}
