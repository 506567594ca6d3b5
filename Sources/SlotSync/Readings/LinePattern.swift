// The regular expression that a log's lines are searched with: PCRE2, compiled to machine code where the system
// allows it. It sees bytes. A log may hold any encoding, or half a character, and a search that fails on such a line
// would be blind exactly where a program went wrong. Bytes are also twice as fast.
//
// The matcher bounds its steps from one place of a line, and cannot be interrupted. So a long line is searched from a few
// places at a time, and the clock is looked at between them.

import CPCRE2
import Glibc

/// A compiled pattern. One user at a time: it owns the matcher's working memory.
final class LinePattern {
    enum Answer: Equatable {
        case found, notFound
        /// The matcher took too many steps, or too long: it is not known.
        case gaveUp
    }

    /// Whether each line is searched in one go, since it matters where a search begins: for `\\G`, and verbs (`(*SKIP)`)
    /// that say where to go on. Patterns that match at the beginning alone need no more.
    private let isSearchedAtOnce: Bool

    private let code: OpaquePointer
    private let match: OpaquePointer
    private let context: OpaquePointer
    private let stack: OpaquePointer

    /// - Throws: `badInput`, with PCRE2's message and where in the pattern it stopped.
    init(_ pattern: String) throws(SlotSyncError) {
        var error: CInt = 0
        var offset = 0
        let bytes = Array(pattern.utf8)
        // NEVER_UTF: a pattern cannot turn to characters by `(*UTF)`, for then it could fail on a line.
        let options = PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | UInt32(PCRE2_USE_OFFSET_LIMIT)
        guard let code = pcre2_compile_8(bytes, bytes.count, options, &error, &offset, nil) else {
            throw SlotSyncError(
                .badInput,
                "the pattern \(quoted(pattern)) is no regular expression: \(Self.message(error)), at byte \(offset)")
        }
        // Where memory may not be made executable, the interpreter does the same, some ten times slower.
        pcre2_jit_compile_8(code, PCRE2_JIT_COMPLETE)
        guard let match = pcre2_match_data_create_8(1, nil), let context = pcre2_match_context_create_8(nil),
            let stack = pcre2_jit_stack_create_8(32 << 10, 1 << 20, nil)
        else { fatalError("out of memory") }
        pcre2_set_match_limit_8(context, ReadingLimits.matchLimit)
        pcre2_set_depth_limit_8(context, ReadingLimits.matchLimit)
        pcre2_set_heap_limit_8(context, 8 << 10)
        pcre2_jit_stack_assign_8(context, nil, UnsafeMutableRawPointer(stack))
        (self.code, self.match, self.context, self.stack) = (code, match, context, stack)
        var effective: UInt32 = 0
        pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_ALLOPTIONS), &effective)
        isSearchedAtOnce =
            effective & PCRE2_ANCHORED != 0 || pattern.firstPlace(of: "\\G") != nil
            || pattern.firstPlace(of: "(*") != nil
    }

    deinit {
        pcre2_match_data_free_8(match)
        pcre2_match_context_free_8(context)
        pcre2_jit_stack_free_8(stack)
        pcre2_code_free_8(code)
    }

    /// Looks for the pattern in `line`, which is one line without its end.
    func answer(in line: UnsafeRawBufferPointer) -> Answer {
        // An empty line has no address to give.
        guard let start = line.baseAddress else {
            return withUnsafeBytes(of: 0 as UInt8) { answer(at: $0.baseAddress!, 0) }
        }
        return answer(at: start, line.count)
    }

    private func answer(at start: UnsafeRawPointer, _ count: Int) -> Answer {
        let text = start.assumingMemoryBound(to: UInt8.self)
        guard count > ReadingLimits.shortLine, !isSearchedAtOnce else {
            return search(text, count, from: 0, to: Self.noPlace) ?? .notFound
        }
        let began = ContinuousClock.now
        var before = began
        var processorTime: Duration?
        var (place, places) = (0, 1)
        // An empty match may stand at the end.
        while place <= count {
            if let answer = search(text, count, from: place, to: place + places - 1) { return answer }
            place += places
            let now = ContinuousClock.now
            // Waiting for a processor is nobody's fault: that is looked at only where the clock alone says that it is time.
            if now - began > ReadingLimits.longestSearch {
                let time = Self.processorTime
                if time - (processorTime ?? time) > ReadingLimits.longestSearch { return .gaveUp }
                processorTime = processorTime ?? time
            }
            if now - before < Self.shortSearch { places = min(places * 4, ReadingLimits.placesBetweenLooks) }
            before = now
        }
        return .notFound
    }

    /// Places that took no longer are followed by more at once.
    private static let shortSearch = Duration.milliseconds(1)
    private static let noPlace = Int.max

    /// - Parameter last: the last place where a match may begin.
    /// - Returns: nil: none begins there.
    private func search(_ text: UnsafePointer<UInt8>, _ count: Int, from first: Int, to last: Int) -> Answer? {
        // PCRE2_UNSET, a macro that Swift does not see, is no limit.
        pcre2_set_offset_limit_8(context, last == Self.noPlace ? ~0 : last)
        let result = pcre2_match_8(code, text, count, first, 0, match, context)
        // 0: found, and more groups than the match data has room for.
        return result >= 0 ? .found : result == PCRE2_ERROR_NOMATCH ? nil : .gaveUp
    }

    /// What this thread has taken of a processor.
    private static var processorTime: Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    private static func message(_ error: CInt) -> String {
        var text = [UInt8](repeating: 0, count: 256)
        let length = pcre2_get_error_message_8(error, &text, text.count)
        return String(decoding: text[..<max(0, Int(length))], as: UTF8.self)
    }
}
