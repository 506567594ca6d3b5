// This process and its machine: names for greetings and locks, and how many processors it may use.

import Glibc

/// The machine's own name.
func machineName() -> String {
    var name = utsname()
    uname(&name)
    return withUnsafeBytes(of: &name.nodename) { bytes in String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
}

/// Who runs this process, for people: `$SUDO_USER`, `$USER`, or the numeric ID.
func userName() -> String {
    for variable in ["SUDO_USER", "USER", "LOGNAME"] {
        if let value = getenv(variable).map({ String(cString: $0) }), !value.isEmpty { return value }
    }
    return "uid \(geteuid())"
}

/// How many processors this process may use.
func processorCount() -> Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
