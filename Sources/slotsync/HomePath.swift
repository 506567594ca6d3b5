// Paths of this machine that begin with ~, as a shell would read them. In slotsync.yml, behind an = and in quotes no shell
// does, and a folder called ~ is what nobody means.

import Glibc

enum HomePath {
    /// `~/x` and `~name/x` below the home of who runs this command, or of that user; any other path as it is. Nil: there
    /// is no such user. A folder that is called `~` is written `./~`.
    static func expanded(_ path: String) -> String? {
        guard path.first == "~" else { return path }
        let name = path.dropFirst().prefix { $0 != "/" }
        guard let home = name.isEmpty ? ownHome : home(of: String(name)) else { return nil }
        return home + path.dropFirst(1 + name.count)
    }

    private static var ownHome: String? {
        if let home = getenv("HOME").map({ String(cString: $0) }), !home.isEmpty { return home }
        return getpwuid(geteuid()).map { String(cString: $0.pointee.pw_dir) }
    }

    private static func home(of user: String) -> String? {
        getpwnam(user).map { String(cString: $0.pointee.pw_dir) }
    }
}
