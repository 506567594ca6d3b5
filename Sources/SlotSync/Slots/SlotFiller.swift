// Makes a slot that is marked `staging` hold a release. `fill` has the steps in the order in which they happen:
//
//     move aside   old files that new ones are made from go into `tmp`, under their digests
//     ask          the controller learns what is needed, and encodes it while this host goes on
//     remove       what the release does not have
//     make         folders, links, empty files
//     copy         what this host has elsewhere, or aside
//     attributes   of what stays, and of folders that nothing comes into any more
//     frames       the controller's files; then duplicates of them; what failed is asked for once more (repair)
//     link         further names of the same file
//     attributes   of the other folders, the innermost first
//
// A crash after any step leaves a slot in `staging`, which the next stage looks at anew. An old file that cannot be
// read is as good as absent: what was to be made from it comes from the controller. AgentStage calls `fill`, then
// seals the slot.

import Glibc
import SystemPackage

/// The controller, as the filling of a slot sees it.
protocol StageController {
    /// Asks for contents; their frames come after that.
    func ask(for needs: [Need]) throws
    /// Answers requests for signatures, if there are any; called now and then during other work.
    func answer(from sources: SlotSources) throws
    /// The next frame; nil when all that was asked for has come. Requests for signatures are answered meanwhile.
    func nextFrame(answeringFrom sources: SlotSources) throws -> DeflatedPart?
}

/// What is done with entries that come into the slot while it is filled, or that stay there beside the release.
struct LateEntries {
    /// Whether they go, as all that is foreign does.
    var mayGo = true
    /// Whether FIFOs, sockets and devices stay.
    var keepsSpecials = false
    /// Tells a person.
    var tell: (String) throws -> Void = { _ in }
}

/// Fills one slot.
final class SlotFiller {
    let slot: StageSlot
    let sources: SlotSources
    let writer: SlotWriter
    let attributes: SlotAttributes
    private let ring: Ring
    let actual: SlotContent
    let plan: StagePlan
    let tree: OpenDirectories
    let copier: SlotCopier
    /// Copies on this thread.
    var entryCopier: EntryCopier
    /// Entries whose copy could not be made: they have to come from the controller.
    var failedCopies: [Int] = []
    /// Entries that are still to be made from another one.
    var duplicates: [(entry: Int, of: Int)]
    var copiedFiles = 0
    let late: LateEntries
    private var folders: ClosedFolders
    private var sums: SlotSums
    /// Further names of files that stayed at first, and then had to come again.
    private(set) var relinked: Set<Int> = []
    private let parallelism: Int

    /// How many directories of the slot are kept open.
    private static let mostOpen = 2048

    init(
        _ slot: StageSlot, of ring: Ring, actual: SlotContent, plan: StagePlan, records: SlotRecords,
        leftovers: Set<ContentDigest>, setsOwner: Bool, group: RingGroup? = nil, late: LateEntries = LateEntries(),
        parallelism: Int = 1
    ) {
        self.parallelism = parallelism
        sums = SlotSums(of: slot.target, keeping: plan.change.kept, of: actual)
        self.slot = slot
        self.ring = ring
        self.actual = actual
        self.plan = plan
        self.late = late
        duplicates = plan.duplicates
        folders = ClosedFolders(slot: slot, ring: ring, actual: actual, change: plan.change)
        // What goes, what is made and what gets its times is mostly in the same directories: each is opened once.
        tree = OpenDirectories(
            root: slot.directory, manifest: slot.target, keeping: min(Self.mostOpen, ProcessSetup.descriptorLimit / 8))
        sources = SlotSources(
            ring: ring, actual: actual, plan: plan, records: records, tree: tree, leftovers: leftovers,
            progress: slot.progress)
        let owner = setsOwner ? nil : ring.owner.ofEntries(in: group)
        attributes = SlotAttributes(
            slot, actual: actual, change: plan.change, tree: tree, setsOwner: setsOwner, owner: owner, group: group)
        writer = SlotWriter(
            slot: slot, tree: tree, attributes: attributes.new,
            workshop: group?.comesByMoving == true && !setsOwner ? ring.temporary : nil, owner: owner)
        entryCopier = EntryCopier(writer)
        copier = SlotCopier(slot: slot, attributes: attributes.new, owner: owner, parallelism: parallelism)
    }

    /// Fills the slot; then it can be sealed.
    ///
    /// - Returns: what was received, copied and kept.
    func fill(_ controller: some StageController) throws -> StageOutcome {
        let answer = { [sources] in try controller.answer(from: sources) }
        try moveAside()
        try controller.ask(for: plan.needs)
        try removeObsolete()
        try folders.close()
        try attributes.closeFolders()
        try answer()
        try makeFoldersAndLinks()
        try makeCopies(answer)
        try makeAnew(attributes.settle(answer))
        let received = try applyFrames(of: controller)
        try makeHardLinks()
        try attributes.finish()
        return StageOutcome(
            kind: .staged, slot: slot.number, received: received, copied: copiedFiles, kept: plan.keptFiles)
    }

    // MARK: What goes

    /// Saves what is still needed of the slot's old content; from here on sources can be opened.
    func moveAside() throws {
        let old = OpenDirectories(root: slot.directory, manifest: actual.manifest)
        if geteuid() != 0 { try folders.open() }
        for entry in sources.save(from: old) { try tellOfWrite(actual.manifest.path(of: entry)) }
    }

    /// Somebody wrote to a file since the slot was looked at: it is theirs now, and is removed as what is foreign is.
    func tellOfWrite(_ path: [UInt8]) throws {
        let shown = quoted("\(slot.path)/\(String(decoding: path, as: UTF8.self))")
        guard late.mayGo else {
            throw SlotSyncError(
                .notReady,
                "somebody changes \(shown) while the slot is filled, and it is not to be removed then: stop that, then "
                    + "stage again")
        }
        try late.tell("\(shown) is removed, though somebody changed it while the slot was filled")
    }

    /// Entries that were to stay, but were written to, come from the controller, and links are made again.
    func makeAnew(_ changed: [Int]) throws {
        for index in changed {
            try tellOfWrite(slot.target.path(of: index))
            try writer.remove(index)
            if slot.target.entries[index].kind == .symbolicLink {
                try writer.makeLink(index)
            } else {
                failedCopies.append(index)
            }
        }
    }

    /// For each entry of the release that stood in the slot and was left alone, what it was like: the seal compares.
    var seenStamps: [SlotRecord.Stamp?] {
        slot.target.entries.indices.map { index in
            let old = Int(plan.change.kept[index])
            return old >= 0 && !attributes.isSet[index] && !relinked.contains(index) ? actual.seen.stamps[old] : nil
        }
    }

    // MARK: What is made

    func makeFoldersAndLinks() throws(SlotSyncError) {
        let target = slot.target
        for index in target.entries.indices.dropFirst() where plan.change.kept[index] < 0 {
            let entry = target.entries[index]
            slot.progress.add(files: 1, bytes: 0)
            switch entry.kind {
            case .directory:
                try writer.makeDirectory(index)
            case .symbolicLink: try writer.makeLink(index)
            case .file:
                guard entry.size == 0, target.linkLeader(of: index) ?? index == index else { continue }
                let file = try writer.makeFile(index)
                defer { try? file.close() }
                try writer.finish(file, index)
            }
        }
    }

    // MARK: What comes from the controller

    /// Applies frames until all content is right, and makes what has its content from another entry.
    ///
    /// - Returns: how many files came from the controller.
    private func applyFrames(of controller: some StageController) throws -> Int {
        let applier = FrameApplier(writer: writer, sources: sources, needs: plan.needs)
        for round in 0... {
            while let frame = try controller.nextFrame(answeringFrom: sources) { try applier.apply(frame) }
            let damaged = try endRound(applier)
            guard let first = damaged.first else { break }
            guard round < WireLimits.mostRepairRounds else {
                let path = String(decoding: slot.target.path(of: first), as: UTF8.self)
                throw SlotSyncError(
                    .verification,
                    "\(quoted(path)) did not verify in \(round + 1) rounds: the source changed, or this host's disk or "
                        + "memory damages data")
            }
            let repairs = damaged.map { Need(entry: UInt32($0), basis: nil) }
            applier.expect(repairs)
            try controller.ask(for: repairs)
        }
        return applier.receivedFiles
    }

    /// Ends a round of frames.
    ///
    /// - Returns: entries that have to come again, sorted; none if all files of the release are in place.
    func endRound(_ applier: FrameApplier) throws -> [Int] {
        try applier.finish()
        let damaged = (applier.damaged + failedCopies).sorted()
        failedCopies = []
        guard damaged.isEmpty else { return damaged }
        let unreadable = try makeDuplicates()
        return unreadable.isEmpty ? try removeForgeries() : unreadable
    }

    /// Removes files whose content has another SHA-256 than the release says, though its digest is right: somebody made
    /// it so. They come from the controller then, as whatever does not verify.
    ///
    /// - Returns: what was removed, sorted.
    private func removeForgeries() throws -> [Int] {
        let found = try sums.mismatches(of: slot, parallelism: parallelism)
        for index in found {
            try writer.remove(index)
            // Its other names in the slot are names of the same forgery.
            guard plan.change.kept[index] >= 0, slot.target.linkLeader(of: index) == index else { continue }
            for member in slot.target.entries.indices.dropFirst(index + 1)
            where slot.target.linkLeader(of: member) == index && relinked.insert(member).inserted {
                try writer.remove(member)
            }
        }
        return found
    }
}
