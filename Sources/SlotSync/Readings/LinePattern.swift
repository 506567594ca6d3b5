// The regular expression that a log's lines are searched with: PCRE2, compiled to machine code where the system
// allows it. It sees bytes. A log may hold any encoding, or half a character, and a search that fails on such a line
// would be blind exactly where a program went wrong. Bytes are also twice as fast.

import CPCRE2

/// A compiled pattern. One user at a time: it owns the matcher's working memory.
final class LinePattern {
    enum Answer: Equatable {
        case found, notFound
        /// The matcher took too many steps: it is not known.
        case gaveUp
    }

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
        let options = PCRE2_NEVER_UTF | PCRE2_NEVER_UCP
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
        pcre2_set_heap_limit_8(context, 8 << 10)
        pcre2_jit_stack_assign_8(context, nil, UnsafeMutableRawPointer(stack))
        (self.code, self.match, self.context, self.stack) = (code, match, context, stack)
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
        let result = pcre2_match_8(code, start.assumingMemoryBound(to: UInt8.self), count, 0, 0, match, context)
        // 0: found, and more groups than the match data has room for.
        return result >= 0 ? .found : result == PCRE2_ERROR_NOMATCH ? .notFound : .gaveUp
    }

    private static func message(_ error: CInt) -> String {
        var text = [UInt8](repeating: 0, count: 256)
        let length = pcre2_get_error_message_8(error, &text, text.count)
        return String(decoding: text[..<max(0, Int(length))], as: UTF8.self)
    }
}
