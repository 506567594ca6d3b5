// A `current` that somebody made by hand, or took away. What it is, which slot the state holds for live, and the command
// that puts it right. Ring finds it; a status tells of it, a stage refuses it, flips go on where nothing is lost by it.

/// What is wrong with a ring's `current`.
package struct HandMadeCurrent: Equatable {
    /// For a person: what it is, and what puts it right.
    let text: String
    /// Whether it is of no use to tell what is live; otherwise it is a link to a whole slot of this ring, in other words.
    let isMisleading: Bool
    /// Whether somebody has put something of their own there: a link to elsewhere, a file, a folder.
    let isForeign: Bool

    /// Whether there is nothing: then it hides nothing either.
    let isGone: Bool

    /// - Returns: nil where `current` is as it has to be.
    init?(_ target: CurrentLink.Target, state: RingState, root: String) {
        let status = state.status
        isGone = target == .missing
        let current = ShellWords.quoted("\(root)/current")
        let what: String
        switch target {
        case .slot(let slot) where status[slot].state.isSealed: return nil
        case .missing:
            guard let live = status.live else { return nil }
            // The first release was being taken back.
            if let change = state.wayBack?.change, change.slot == live, change.from == nil { return nil }
            what = "is gone"
        case .slot(let slot): what = "points at slot \(slot), which is \(status[slot].state) and no whole release"
        case .alias(let slot, let text) where !status[slot].state.isSealed:
            what = "is a link to \(quoted(text)), which is slot \(slot): \(status[slot].state) and no whole release"
        case .alias(_, let text): what = "is a link to \(quoted(text)) in place of the one that SlotSync makes"
        case .elsewhere(let text): what = "is a link to \(quoted(text)), not to a slot of this ring"
        case .folder: what = "is a folder, not a link to a slot of this ring"
        case .file: what = "is a file, not a link to a slot of this ring"
        }
        if case .alias(let slot, _) = target, status[slot].state.isSealed {
            (isMisleading, isForeign) = (false, false)
            text = "\(quoted(root + "/current")) \(what): ln -sfn slots/\(slot) \(current)"
            return
        }
        isMisleading = true
        switch target {
        case .elsewhere, .folder, .file: isForeign = true
        default: isForeign = false
        }
        let isInTheWay = target == .folder || target == .file
        let aside = isInTheWay ? "mv \(current) \(ShellWords.quoted("\(root)/current.old")) && " : ""
        let remedy =
            if let live = status.live {
                "by the state slot \(live) is live\(status[live].release.map { " (release \($0.shown))" } ?? ""). To put "
                    + "that back: \(aside)ln -sfn slots/\(live) \(current)"
            } else {
                "by the state nothing is live. To have it so: "
                    + (isInTheWay ? "mv \(current) \(ShellWords.quoted("\(root)/current.old"))" : "rm \(current)")
            }
        text = "\(quoted(root + "/current")) \(what); \(remedy)"
    }
}

extension ReleaseName {
    /// All digits, and the name if there is one.
    fileprivate var shown: String { name.isEmpty ? "\(id)" : "\(id), \(name)" }
}
