// Prepares a process to hold sessions with hundreds of others: it may open descriptors for all their pipes and start
// their processes, and survives a pipe whose reader is gone. The programs call it once, and so does everything that
// opens a fleet.

import CSystemCalls
import Glibc

package enum ProcessSetup {
    /// Prepares this process. Calling it again changes nothing.
    package static func prepare() {
        raiseLimits()
        // A write says by its error that its reader is gone, or that the file would be larger than this process may make any.
        for number in [SIGPIPE, SIGXFSZ] { survive(number) }
        keepStatuses()
    }

    /// Whoever ignores SIGCHLD is not told how a child ended, and hands that down to what it starts.
    private static func keepStatuses() {
        var action = sigaction()
        sigaction(SIGCHLD, nil, &action)
        // SIG_IGN is a macro, which Swift does not see.
        if unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1 { signal(SIGCHLD, SIG_DFL) }
    }

    /// Has this process say which host it heard last where a fault of its own ends it. For a program that is nothing but a
    /// controller: an embedding one has its own handlers.
    package static func tellOfFaults() { ss_tell_peer_of_faults() }

    /// Three pipes a session soon pass the customary limit of 1024 descriptors. Each session is a process as well.
    private static func raiseLimits() {
        for resource in [RLIMIT_NOFILE, __RLIMIT_NPROC] { raise(resource) }
    }

    /// A limit of this process; nil if the system does not say.
    private static func limit(_ resource: __rlimit_resource) -> rlimit? {
        var limit = rlimit()
        return getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0 ? limit : nil
    }

    /// Raises a limit as far as this process may.
    private static func raise(_ resource: __rlimit_resource) {
        guard var limit = limit(resource), limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(resource.rawValue), &limit)
    }

    /// What a controller needs of addresses, in bytes: its threads' stacks and heaps take most of it. With 300 MB one of a
    /// hundred hosts came to an end, and one of a single host did not, now and then.
    private static let addressSpace: UInt64 = 512 << 20

    /// Makes sure that this process may have the addresses that a controller needs. Dispatch, where it cannot make a thread for
    /// want of them, tries for ever, deaf to signals.
    ///
    /// - Throws: ``SlotSyncError`` with the code `system` where the limit is too low, and cannot be raised.
    package static func requireAddressSpace() throws(SlotSyncError) {
        guard let before = limit(RLIMIT_AS), before.rlim_cur < addressSpace else { return }
        raise(RLIMIT_AS)
        guard let limit = limit(RLIMIT_AS), limit.rlim_cur < addressSpace else { return }
        throw SlotSyncError(
            .system,
            "this process may have \(byteText(UInt64(limit.rlim_cur))) of addresses (ulimit -v), and needs "
                + "\(byteText(addressSpace)): raise the limit")
    }

    /// Keeps what is freed for what is allocated next: buffers of a few hundred kilobytes come and go by the thousand. For a
    /// controller, which ends soon.
    package static func keepFreedMemory() { ss_keep_freed_memory(4 << 20, 32 << 20) }

    /// Gives large memory back to the system as soon as it is free. The C library would come to keep what a process
    /// needs for a moment alone: the bytes of a record, while a manifest is made of them.
    static func returnLargeMemory() {
        ss_return_memory_from(1 << 20)
    }

    /// How many descriptors this process may have open.
    static var descriptorLimit: Int {
        limit(RLIMIT_NOFILE).map { Int(clamping: $0.rlim_cur) } ?? 256
    }

    /// How many processes and threads this user may have; the kernel holds root to no limit.
    static var processLimit: Int {
        guard geteuid() != 0, let limit = limit(__RLIMIT_NPROC) else { return .max }
        return Int(clamping: limit.rlim_cur)
    }

    /// A handler in place of SIG_IGN: what is ignored stays ignored in child processes, where a hook's `yes | head`
    /// would then never end. A handler is forgotten at exec.
    private static func survive(_ number: CInt) {
        var action = sigaction()
        sigaction(number, nil, &action)
        guard action.__sigaction_handler.sa_handler == nil else { return }
        action.__sigaction_handler.sa_handler = { _ in }
        action.sa_flags = SA_RESTART
        sigaction(number, &action, nil)
    }
}
