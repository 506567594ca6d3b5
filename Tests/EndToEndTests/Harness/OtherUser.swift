// An agent that runs as another user, as most agents do: `deploy`, who owns the root and is no superuser.

import Foundation

struct OtherUser: Sendable {
    var user: uid_t = 65_534
    var group: gid_t = 65_534
    /// Groups that the user is in besides.
    var groups: [gid_t] = []
    var umask = "022"

    /// A program that starts the agent as this user: the value for `--remote-command`.
    func agent(on bench: Workbench) throws -> String {
        Foundation.chmod(bench.path, 0o755)
        if !exists(bench["agent"]) {
            try FileManager.default.copyItem(atPath: Program.agent, toPath: bench["agent"])
        }
        let groups = groups.isEmpty ? "--clear-groups" : "--groups " + groups.map(String.init).joined(separator: ",")
        return try bench.script(
            "#!/bin/sh\numask \(umask)\nexec setpriv --reuid \(user) --regid \(group) \(groups) '\(bench["agent"])' \"$@\"\n",
            to: "as-\(user)-\(group)-\(umask)-\(self.groups.count)")
    }

    /// A fleet whose roots belong to this user, with this mode and group, and whose agents run as it.
    func fleet(_ bench: Workbench, mode: mode_t = 0o755, rootGroup: gid_t? = nil, slots: Int? = nil) throws -> Fleet {
        let fleet = try Fleet(bench, slots: slots)
        for host in fleet.hosts {
            guard chown(fleet.root(host), user, rootGroup ?? group) == 0, chmod(fleet.root(host), mode) == 0 else {
                throw SystemFailure("give away \(fleet.root(host))")
            }
            Foundation.chmod(bench[host], 0o755)
        }
        return fleet.with("--remote-command", try agent(on: bench))
    }
}
