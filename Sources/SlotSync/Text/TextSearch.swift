// One text looked for in another. The standard library's own search stands in its module for regular expressions, which
// would add a sixth to the agent's size: the static agent is built without that module.

extension StringProtocol where SubSequence: StringProtocol {
    /// Where `word`, which is not empty, first stands in this text; nil if it does not.
    func firstPlace(of word: String) -> Range<Index>? {
        guard let start = indices.first(where: { self[$0...].hasPrefix(word) }) else { return nil }
        return start..<index(start, offsetBy: word.count)
    }
}
