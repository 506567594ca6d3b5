// Every system call of this project goes through here: it is repeated when a signal interrupts it, and its failure is
// thrown as an Errno. The typed calls in this folder are built on it; nothing above them sees an int.

import Glibc
import SystemPackage

/// Runs `call` until it is not interrupted.
///
/// - Returns: what the call returned, which is not -1.
/// - Throws: `Errno`, as the system set it.
@inline(__always)
@discardableResult
func systemCall<T: FixedWidthInteger & SignedInteger>(_ call: () -> T) throws(Errno) -> T {
    while true {
        let result = call()
        if result != -1 { return result }
        let error = Errno(rawValue: Glibc.errno)
        if error != .interrupted { throw error }
    }
}

/// A point in time as file systems keep it: seconds since 1970 (negative before), nanoseconds after that second.
public struct Timestamp: Hashable, Sendable, Comparable {
    /// Since 1970, UTC.
    public var seconds: Int64
    /// 0 to 999,999,999.
    public var nanoseconds: UInt32

    /// A moment by its parts.
    public init(seconds: Int64, nanoseconds: UInt32) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    init(_ time: timespec) { self.init(seconds: Int64(time.tv_sec), nanoseconds: UInt32(time.tv_nsec)) }

    /// Where a clock of 64-bit nanoseconds still reaches: until 2262.
    var nanosecondsSince1970: Int64 { seconds &* 1_000_000_000 &+ Int64(nanoseconds) }

    var timespec: timespec { Glibc.timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds)) }

    /// Calls `body` with the pair that `utimensat` and `futimens` take: the access time stays, by UTIME_OMIT, a macro
    /// that Swift does not see.
    @inline(__always)
    @discardableResult
    func asModificationAlone<T>(_ body: (UnsafePointer<timespec>) throws(Errno) -> T) throws(Errno) -> T {
        // On the stack, since this is done for each entry of a release.
        var pair = (Glibc.timespec(tv_sec: 0, tv_nsec: (1 << 30) - 2), timespec)
        return try withUnsafeMutablePointer(to: &pair) { (pair) throws(Errno) -> T in
            try pair.withMemoryRebound(to: Glibc.timespec.self, capacity: 2) { (times) throws(Errno) -> T in
                try body(times)
            }
        }
    }

    /// The wall clock, as fine as the system has it.
    public static var now: Timestamp {
        var time = Glibc.timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(time)
    }

    /// The clock that the kernel stamps files with; it moves in ticks of `fileClockTick`.
    static var fileClock: Timestamp {
        var time = Glibc.timespec()
        clock_gettime(CLOCK_REALTIME_COARSE, &time)
        return Timestamp(time)
    }

    /// How far apart two ticks of the file clock are, in nanoseconds (1 to 10 ms).
    static let fileClockTick: Int64 = {
        var resolution = Glibc.timespec()
        clock_getres(CLOCK_REALTIME_COARSE, &resolution)
        return Int64(resolution.tv_sec) * 1_000_000_000 + Int64(resolution.tv_nsec)
    }()

    func adding(nanoseconds more: Int64) -> Timestamp {
        let sum = Int64(nanoseconds) + more
        let carry = sum >= 0 ? sum / 1_000_000_000 : (sum - 999_999_999) / 1_000_000_000
        return Timestamp(seconds: seconds &+ carry, nanoseconds: UInt32(sum - carry * 1_000_000_000))
    }

    /// Whether `left` is earlier.
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }
}

extension Duration {
    /// To the whole millisecond towards zero; at most 292 million years.
    package var wholeMilliseconds: Int {
        let (seconds, attoseconds) = components
        let (thousands, overflow) = Int(seconds).multipliedReportingOverflow(by: 1000)
        return overflow ? (seconds < 0 ? .min : .max) : thousands + Int(attoseconds / 1_000_000_000_000_000)
    }
}
