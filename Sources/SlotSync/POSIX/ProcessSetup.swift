// Prepares a process to hold sessions with hundreds of others: it may open descriptors for all their pipes, and
// survives a pipe whose reader is gone. The programs call it once, and so does everything that opens a fleet.

import CSystemCalls
import Glibc

package enum ProcessSetup {
    /// Prepares this process. Calling it again changes nothing.
    package static func prepare() {
        raiseDescriptorLimit()
        surviveBrokenPipes()
    }

    /// Three pipes a session soon pass the customary limit of 1024 descriptors.
    private static func raiseDescriptorLimit() {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(resource, &limit)
    }

    /// Gives large memory back to the system as soon as it is free. The C library would come to keep what a process
    /// needs for a moment alone: the bytes of a record, while a manifest is made of them.
    static func returnLargeMemory() {
        ss_return_memory_from(1 << 20)
    }

    /// How many descriptors this process may have open.
    static var descriptorLimit: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 256 }
        return Int(clamping: limit.rlim_cur)
    }

    /// A handler in place of SIG_IGN: what is ignored stays ignored in child processes, where a hook's `yes | head`
    /// would then never end. A handler is forgotten at exec.
    private static func surviveBrokenPipes() {
        var action = sigaction()
        sigaction(SIGPIPE, nil, &action)
        guard action.__sigaction_handler.sa_handler == nil else { return }
        action.__sigaction_handler.sa_handler = { _ in }
        action.sa_flags = SA_RESTART
        sigaction(SIGPIPE, &action, nil)
    }
}
