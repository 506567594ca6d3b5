// What a fleet needs of this process, looked at before the first session: descriptors and processes for all of its
// sessions, and an agent to start. Every operation begins with it.

import CSystemCalls
import Glibc

extension Fleet {
    /// Checks that sessions with these hosts can be opened at all.
    ///
    /// - Parameter isOneForEach: whether all hosts have a session at the same time, and not as many as
    ///   ``parallelism`` says.
    /// - Throws: ``SlotSyncError`` with what is missing.
    func check(isOneForEach: Bool) throws(SlotSyncError) {
        ProcessSetup.prepare()
        if transport.kind == .local { _ = try transport.localCommand(root: root) }
        let logins = min(max(parallelism, 1), hosts.count)
        let limits = SessionLimits(sessions: isOneForEach ? hosts.count : logins, logins: logins)
        guard
            let problem = limits.problem(
                descriptors: ProcessSetup.descriptorLimit, processes: ProcessSetup.processLimit)
        else { return }
        let hint = isOneForEach ? "" : ", or give a lower --parallel"
        throw SlotSyncError(.system, problem + hint)
    }
}

/// What so many sessions take.
struct SessionLimits {
    let sessions: Int
    /// How many of them are being opened at the same time.
    let logins: Int

    /// Three pipes, and what tells that the child has ended.
    private static let descriptorsOfSession = 4
    /// The child's ends, and what the start itself needs, for as long as it takes.
    private static let descriptorsOfLogin = 4
    /// The source, the cache, the spool, and what an embedding program has open.
    private static let ownDescriptors = 64
    private static let ownProcesses = 32

    var neededDescriptors: Int {
        sessions * Self.descriptorsOfSession + logins * Self.descriptorsOfLogin + Self.ownDescriptors
    }

    var neededProcesses: Int { sessions + Self.ownProcesses }

    /// What is missing; nil: nothing is.
    func problem(descriptors: Int, processes: Int) -> String? {
        let what = "\(NumberText.count(sessions, "session")) at the same time"
        if descriptors < neededDescriptors {
            return
                "\(what) need \(neededDescriptors) open files, and this process may have \(descriptors): raise the limit "
                + "first (ulimit -n \(neededDescriptors); LimitNOFILE= in a systemd unit)"
        }
        if processes < neededProcesses {
            return
                "\(what) need \(neededProcesses) processes, and this user may have \(processes): raise the limit first "
                + "(ulimit -u \(neededProcesses); TasksMax= and LimitNPROC= in a systemd unit)"
        }
        return nil
    }
}
