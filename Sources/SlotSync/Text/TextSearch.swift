// One text looked for in another, and a text without the white space around it. The standard library's own search stands
// in its module for regular expressions, which would add a sixth to the agent's size: the static agent is built without
// that module.

extension StringProtocol where SubSequence: StringProtocol {
    /// Where `word`, which is not empty, first stands in this text; nil if it does not.
    package func firstPlace(of word: String) -> Range<Index>? {
        guard let start = indices.first(where: { self[$0...].hasPrefix(word) }) else { return nil }
        return start..<index(start, offsetBy: word.count)
    }
}

extension Substring {
    /// Without white space in front and behind.
    package var trimmed: Substring {
        var text = drop(while: \.isWhitespace)
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
