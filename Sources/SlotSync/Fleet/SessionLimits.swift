// What a fleet needs of this process, looked at before the first session: descriptors and processes for all of its
// sessions, and an agent to start. Every operation begins with it.

import CSystemCalls
import Glibc

extension Fleet {
    /// This fleet with as many hosts at the same time as this process may have sessions with.
    ///
    /// - Parameter isOneForEach: whether all hosts have a session at the same time, and not as many as
    ///   ``parallelism`` says. Then fewer log in at the same time.
    /// - Throws: ``SlotSyncError`` with what is missing, where the sessions cannot be opened at all.
    func fitting(isOneForEach: Bool) throws(SlotSyncError) -> Fleet {
        ProcessSetup.prepare()
        if transport.kind == .local { _ = try transport.localCommand(root: root) }
        let wanted = min(max(parallelism, 1), max(hosts.count, 1))
        let limits = SessionLimits(sessions: isOneForEach ? max(hosts.count, 1) : nil, logins: wanted)
        let (descriptors, processes) = (ProcessSetup.descriptorLimit, ProcessSetup.processLimit)
        guard let fitting = limits.fitting(descriptors: descriptors, processes: processes) else {
            let hint = isOneForEach ? ", or go on in parts of the fleet (--hosts)" : ""
            throw SlotSyncError(
                .system, (limits.problem(descriptors: descriptors, processes: processes) ?? "no session fits") + hint)
        }
        guard fitting.logins < wanted else { return self }
        fleetLog.debug(
            "fewer logins at the same time than allowed: this process may have no more open files or processes",
            metadata: ["logins": "\(fitting.logins)"])
        var fleet = self
        fleet.parallelism = fitting.logins
        return fleet
    }
}

/// What so many sessions take.
struct SessionLimits {
    let sessions: Int
    /// How many of them are being opened at the same time.
    let logins: Int
    /// Whether there are no more sessions than logins at the same time.
    private let isLoginsAlone: Bool

    /// - Parameter sessions: nil: as many as logins.
    init(sessions: Int? = nil, logins: Int) {
        self.sessions = sessions ?? logins
        self.logins = logins
        isLoginsAlone = sessions == nil
    }

    /// The same sessions, or fewer where they are as many as logins, with so few logins that they fit; nil: they do not
    /// fit with one login at a time.
    func fitting(descriptors: Int, processes: Int) -> SessionLimits? {
        var fitting = self
        if problem(descriptors: descriptors, processes: processes) != nil {
            let room = descriptors - Self.ownDescriptors
            let logins =
                isLoginsAlone
                ? min(
                    room / (Self.descriptorsOfSession + Self.descriptorsOfLogin),
                    max(processes, Self.ownProcesses) - Self.ownProcesses)
                : (room - sessions * Self.descriptorsOfSession) / Self.descriptorsOfLogin
            fitting = SessionLimits(sessions: isLoginsAlone ? nil : sessions, logins: min(logins, self.logins))
        }
        guard fitting.logins > 0, fitting.problem(descriptors: descriptors, processes: processes) == nil else {
            return nil
        }
        return fitting
    }

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
