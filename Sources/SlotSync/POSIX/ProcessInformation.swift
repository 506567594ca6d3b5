// This process and its machine: names for greetings and locks, its program, and how many processors it may use.

import CSystemCalls
import Glibc
import SystemPackage

/// The machine's own name.
func machineName() -> String {
    var name = utsname()
    uname(&name)
    return withUnsafeBytes(of: &name.nodename) { bytes in String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
}

/// Who runs this process, for people: `$SUDO_USER`, `$USER`, the name of its user, or the numeric ID.
func userName() -> String {
    for variable in ["SUDO_USER", "USER", "LOGNAME"] {
        if let value = getenv(variable).map({ String(cString: $0) }), !value.isEmpty { return value }
    }
    return accountName(of: geteuid())
}

/// Where the program stands that runs now.
func runningProgram() throws(SlotSyncError) -> FilePath {
    do {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let count = try systemCall { readlink("/proc/self/exe", &path, Int(PATH_MAX)) }
        return FilePath(String(decoding: path[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self))
    } catch {
        throw SlotSyncError(.system, "cannot tell where the running program stands", errno: error)
    }
}

/// How many processors this process may use.
func processorCount() -> Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

/// The words that this process was started with, its own name first. `CommandLine` needs /proc for them.
package func processArguments() -> [String] {
    var arguments: [String] = []
    guard var next = ss_arguments() else { return CommandLine.arguments }
    while let word = next.pointee {
        arguments.append(String(cString: word))
        next += 1
    }
    return arguments
}

/// Whom a file belongs to, for people: the name that /etc/passwd has, or the number. Other sources of names are not
/// asked: the agent is one static file.
func userName(of user: UInt32) -> String { nameOfUser(user) ?? "uid \(user)" }

/// The same in a command that a person types, where a number stands for a user without a name.
func accountName(of user: UInt32) -> String { nameOfUser(user) ?? "\(user)" }

/// The user's login at a host, for a person who is to use it: `deploy@HOST`.
func loginText(of user: UInt32) -> String { nameOfUser(user).map { "\($0)@HOST" } ?? "LOGIN@HOST, by its login" }

private func nameOfUser(_ user: UInt32) -> String? {
    guard let table = try? contents(of: "/etc/passwd", atMost: 1 << 20, what: "list of users") else { return nil }
    for line in String(decoding: table, as: UTF8.self).split(separator: "\n") {
        let fields = line.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
        if fields.count > 3, UInt32(fields[2]) == user { return escapedForDisplay(String(fields[0])) }
    }
    return nil
}
