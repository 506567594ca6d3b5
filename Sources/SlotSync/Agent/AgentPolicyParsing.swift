// The text of an agent's policy: one `key value` a line, `#` in front of a remark. Whatever is not understood is an error
// that names file and line, so that a slip allows nothing. docs/operations.md has the keys.

import SystemPackage

extension AgentPolicy {
    private enum Key: String, CaseIterable {
        case root, stage, flip, slots, setuid, install, hook, command, log
        case verifyKey = "verify_key"
    }

    /// Reads a policy's bytes.
    ///
    /// - Throws: ``SlotSyncError`` with the code `refused`, for the first line that is not understood.
    init(parsing bytes: [UInt8], from path: String) throws(SlotSyncError) {
        self.init(path: path)
        var seen: Set<Key> = []
        for (index, line) in bytes.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
            func wrong(_ why: String) -> SlotSyncError {
                SlotSyncError(.refused, "the policy \(quoted(path)), line \(index + 1): \(why). Nothing was done")
            }
            let text = String(decoding: line, as: UTF8.self)
            guard text.utf8.elementsEqual(line) else { throw wrong("it is not UTF-8") }
            guard !line.contains(where: { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7f }) else {
                throw wrong("it holds a control character: are its lines ended as on Windows?")
            }
            let words = text[...].trimmed
            guard let first = words.first, first != "#" else { continue }
            let word = words.prefix { !$0.isWhitespace }
            guard let key = Key(rawValue: String(word)) else {
                let known = Key.allCases.map(\.rawValue).joined(separator: ", ")
                throw wrong("\(quoted(word)) is no key; there are \(known)")
            }
            let value = words.dropFirst(word.count).trimmed
            guard !value.isEmpty else { throw wrong("`\(key.rawValue)` lacks its value") }
            let isList = [.root, .hook, .command, .log, .verifyKey].contains(key)
            guard seen.insert(key).inserted || isList else { throw wrong("`\(key.rawValue)` stands there twice") }
            if let why = take(value, for: key) { throw wrong(why) }
        }
    }

    /// Takes a value over.
    ///
    /// - Returns: why it cannot be one; nil: it can.
    private mutating func take(_ value: Substring, for key: Key) -> String? {
        switch key {
        case .root:
            guard Self.isWholePath(value) else { return "the root \(quoted(value)) has to be a whole path, from / on" }
            let root = FilePath(String(value))
            guard !roots.contains(root) else { return "the root \(quoted(value)) stands there twice" }
            roots.append(root)
        case .stage: return Self.take(value, for: key, to: &mayStage)
        case .flip: return Self.take(value, for: key, to: &mayFlip)
        case .install: return Self.take(value, for: key, to: &mayInstall)
        case .setuid: return Self.take(value, for: key, to: &maySetPrivileges)
        case .slots:
            let counts = RingStatus.slotCounts
            guard let count = Int(value), counts.contains(count) else {
                return "`slots` takes a number from \(counts.lowerBound) to \(counts.upperBound), not \(quoted(value))"
            }
            mostSlots = count
        case .verifyKey:
            switch AllowedSigner.read(value) {
            case .signer(let signer): signers.append(signer)
            case .ofNoUse: return "the key counts for no release: " + Signers.wrongKey
            case .wrong(let why): return why
            }
        case .hook: return Self.take(value, for: key, atMost: WireLimits.longestHook, to: &hooks)
        case .command: return Self.take(value, for: key, atMost: ReadingLimits.longestCommand, to: &commands)
        case .log:
            let path = String(value)
            if let problem = LogPath.problem(path) { return problem }
            guard Self.isWholePath(value) else {
                return "the log \(quoted(path)) has to be a whole path, without . and .."
            }
            guard !logs.contains(path) else { return "the log \(quoted(path)) stands there twice" }
            logs.append(path)
        }
        return nil
    }

    private static func take(_ value: Substring, for key: Key, to answer: inout Bool) -> String? {
        guard value == "yes" || value == "no" else {
            return "`\(key.rawValue)` takes yes or no, not \(quoted(value))"
        }
        answer = value == "yes"
        return nil
    }

    private static func take(
        _ value: Substring, for key: Key, atMost bound: Int, to commands: inout [Command]
    ) -> String? {
        let name = value.prefix { !$0.isWhitespace }
        let text = value.dropFirst(name.count).trimmed
        guard isName(name) else {
            return "\(quoted(name)) is no name: letters, digits, and - _ . behind the first of them, at most "
                + "\(longestName)"
        }
        guard !text.isEmpty else {
            return "the \(key.rawValue) \(name) lacks its command: `\(key.rawValue) \(name) COMMAND`"
        }
        guard text.utf8.count <= bound else { return "the \(key.rawValue) \(name) is longer than \(bound) bytes" }
        guard !commands.contains(where: { $0.name == name }) else {
            return "the \(key.rawValue) \(name) stands there twice"
        }
        commands.append(Command(name: String(name), text: String(text)))
        return nil
    }

    private static func isWholePath(_ path: Substring) -> Bool {
        path.utf8.first == UInt8(ascii: "/")
            && path.split(separator: "/").allSatisfy { $0 != "." && $0 != ".." }
    }
}
