// What of a ring's own folder is believed. Whoever can write to the root can put a `.slotsync` of their own in its place, and
// what a state says is done, hooks included. So all that is read there belongs to the agent's user or to root, and nobody
// else may write to it. Ring asks of each folder and file that it has opened: a name may be another's a moment later.

import Glibc
import SystemPackage

extension RingOwner {
    /// Throws where somebody else may have written what was opened here.
    ///
    /// - Parameter status: of the open file or folder.
    func check(_ status: FileStatus, _ path: @autoclosure () -> String) throws(SlotSyncError) {
        guard believed.contains(status.owner) else { throw refusal(ofPlanted: path(), status) }
        guard status.mode & 0o022 == 0 else { throw refusal(ofOpen: path(), status) }
    }

    /// Whether a command that stands in this file of the ring is run. Root runs none that another user can write, though
    /// it works in the ring of one.
    func maySayCommands(_ status: FileStatus) -> Bool {
        [0, geteuid()].contains(status.owner) && [0, geteuid()].contains(user)
    }

    private func refusal(ofPlanted path: String, _ status: FileStatus) -> SlotSyncError {
        let (owner, own) = (userName(of: status.owner), userName(of: geteuid()))
        return SlotSyncError(
            .notARing,
            "\(quoted(path)) belongs to \(owner), and the agent runs as \(own): whoever can write to the root may have put it "
                + "there, so nothing in it is believed. If it is \(owner)'s ring, name the host as "
                + "\(loginText(of: status.owner)); else move it away, and put the ring's own back")
    }

    private func refusal(ofOpen path: String, _ status: FileStatus) -> SlotSyncError {
        SlotSyncError(
            .notARing,
            "\(quoted(path)) can be written by others than \(userName(of: status.owner)) (mode \(octal(status.mode))), who "
                + "could have the agent do what they write: see that it is as it was, then take that away (chmod -R go-w "
                + "\(ShellWords.quoted(path)))")
    }
}

private func octal(_ mode: UInt16) -> String {
    let digits = String(mode, radix: 8)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
}
