// What a slot has become since it was sealed, and whether it is flipped to all the same. A flip refuses changed content;
// the way back names it and goes on. AgentFlip asks before a flip, and after a host has gone back.

import SystemPackage

extension AgentSession {
    /// Refuses a flip to a slot that no longer holds what was sealed there. On the way back that is a warning: what ran
    /// before, with an edit in it, is better than what does not run.
    func checkContent(of slot: Int, _ request: FlipRequest, _ ring: Ring) throws {
        // Whoever wants signatures wants the content that was signed.
        let isSigned = ((try? signers.get()) ?? nil) != nil
        let insists = (request.force && !isSigned) || request.direction == .rollback
        // There is nothing that could be live.
        if let lack = ring.lack(of: slot) { throw refusal(of: slot, lack, request, ring) }
        let difference: Difference?
        do { difference = try self.difference(of: slot, in: ring) } catch {
            throw refusal(of: slot, .content(at: "\(root)/slots/\(slot)"), request, ring, error)
        }
        guard let difference else { return }
        let id = ring.status[slot].release?.id.description ?? "RELEASE"
        guard insists || !difference.isOfContent else {
            throw SlotSyncError(
                .notReady,
                "\(difference.text): \(difference.unmounting.map { "\($0), " } ?? "")stage the release again"
                    + (isSigned ? "" : ", or insist with `slotsync flip --force \(id)`"))
        }
        let remedy =
            !difference.isOfContent
            ? ""
            : ". It goes live all the same; \(difference.unmounting.map { "\($0), or " } ?? "")staging the release again and "
                + "`slotsync flip --force \(id)` put another copy in its place"
        try connection.send(.warning(difference.text + remedy))
    }

    /// What a slot has become since it was sealed.
    private struct Difference {
        var text: String
        var isOfContent: Bool
        /// How what something is mounted on comes back, as what to do.
        var unmounting: String?
    }

    /// The slot of a way back; where somebody changed what is in it, another one in which its release was staged again.
    func wholeSlot(for slot: Int, in ring: Ring) -> Int {
        guard let id = ring.status[slot].release?.id, let copy = ring.status.newestReady(of: id), copy != slot,
            ring.canBeLive(copy)
        else { return slot }
        guard ring.canBeLive(slot) else { return copy }
        do {
            guard try difference(of: slot, in: ring)?.isOfContent == true else { return slot }
        } catch {}
        return copy
    }

    /// The refusal of a slot that has nothing which could be live, with what there is to do.
    private func refusal(
        of slot: Int, _ lack: SlotLack, _ request: FlipRequest, _ ring: Ring, _ errno: Errno? = nil
    ) -> SlotSyncError {
        let others = ring.status.numbers.filter {
            $0 != slot && $0 != ring.status.live && ring.status[$0].state == .retired && ring.canBeLive($0)
        }
        let other = others.max { ring.status[$0].since < ring.status[$1].since }
        let further =
            request.direction == .rollback
            ? other.flatMap { ring.status[$0].release?.id }.map {
                ", or go further back with `slotsync rollback --to \($0)`"
            }
            : nil
        return SlotSyncError(
            .notReady,
            "slot \(slot) \(lack.what): \(lack.remedy)" + (further ?? ""), errno: errno)
    }

    /// What a slot has become since it was sealed; nil: it is as it was.
    ///
    /// - Throws: `Errno` if there is no such folder.
    private func difference(of slot: Int, in ring: Ring) throws(Errno) -> Difference? {
        let directory = try ring.slotsDirectory.openMountedDirectory("\(slot)")
        if let cover = ring.cover(of: slot) {
            return Difference(text: "slot \(slot) \(cover.what)", isOfContent: true, unmounting: cover.remedy)
        }
        guard let record = try? ring.record(of: slot) else {
            return Difference(
                text: "the record of slot \(slot) is missing or damaged, so nobody knows whether the slot is whole",
                isOfContent: true)
        }
        let differences = SlotCheck.differences(
            from: record, in: directory, parallelism: parallelism, progress: progress)
        guard differences.count > 0 else { return nil }
        let covered = differences.covered.map { "\(root)/slots/\(slot)/\(String(decoding: $0, as: UTF8.self))" }
        return Difference(
            text: "slot \(slot) is not as it was sealed (\(differences.summary))",
            isOfContent: differences.contentCount > 0,
            unmounting: covered.map { "unmount that (umount \(ShellWords.quoted($0)))" })
    }

    /// What to say of a slot that is live again and not what it was.
    func changeWarning(afterReturnTo slot: Int?, in ring: Ring) -> String? {
        guard let slot, let difference = try? difference(of: slot, in: ring), difference.isOfContent else { return nil }
        return "\(difference.text), and live again: staging its release again puts that right"
    }
}
