// A value of the configuration file, with its name and line. It is read as the type that its key asks for. Every error
// says where the value stands, what was expected and what was found. Configuration uses it; no other file knows Yams.

import SlotSync
import Yams

struct ConfigurationNode {
    private let node: Node
    /// The key, as in `hooks.after_flip`; empty for the whole file.
    private let name: String
    /// Where an error points: the key's line, for an item of a list its own.
    private let line: Int
    private let file: String

    /// The file's one document; nil if it is empty.
    init?(parsing text: String, file: String) throws(SlotSyncError) {
        do {
            guard let node = try Yams.compose(yaml: text) else { return nil }
            self.init(node: node, name: "", line: node.line, file: file)
        } catch {
            throw ConfigurationNode.notYAML(error, file: file)
        }
        if case .scalar(let scalar) = node, ConfigurationNode.isNothing(scalar) { return nil }
    }

    private init(node: Node, name: String, line: Int, file: String) {
        self.node = node
        self.name = name
        self.line = line
        self.file = file
    }

    /// An error about this value.
    func wrong(_ what: String) -> SlotSyncError {
        let subject = name.isEmpty || what.contains("key \(name)") ? "" : "\(name): "
        return SlotSyncError(.badInput, "\(file):\(line): \(subject)\(what)")
    }

    private func expected(_ what: String) -> SlotSyncError { wrong("expected \(what), found \(found)") }

    /// The entries of a mapping, in the file's order.
    ///
    /// - Throws: an error for anything but a mapping, and for a key that is not in `known`, naming the
    ///   nearest one that is.
    func entries(allowing known: [String]) throws(SlotSyncError) -> [(key: String, value: ConfigurationNode)] {
        guard case .mapping(let mapping) = node else { throw expected("keys with values, such as \(known[0]): …") }
        var entries: [(key: String, value: ConfigurationNode)] = []
        for (keyNode, value) in mapping {
            let key = ConfigurationNode(node: keyNode, name: name, line: keyNode.line, file: file)
            guard let text = keyNode.scalar?.string else { throw key.wrong("a key has to be plain text") }
            guard known.contains(text) else {
                let nearest = known.min { text.editDistance(to: $0) < text.editDistance(to: $1) } ?? ""
                throw key.wrong("unknown key \(quoted(text)); did you mean \(nearest)?")
            }
            let fullName = name.isEmpty ? text : "\(name).\(text)"
            entries.append((text, ConfigurationNode(node: value, name: fullName, line: keyNode.line, file: file)))
        }
        return entries
    }

    /// The items of a list, or the one value in place of a list of one.
    func items() throws(SlotSyncError) -> [ConfigurationNode] {
        guard case .sequence(let sequence) = node else { return [self] }
        return sequence.map { ConfigurationNode(node: $0, name: name, line: $0.line, file: file) }
    }

    func texts() throws(SlotSyncError) -> [String] {
        var texts: [String] = []
        for item in try items() { texts.append(try item.text()) }
        return texts
    }

    func text() throws(SlotSyncError) -> String {
        guard case .scalar(let scalar) = node, !ConfigurationNode.isNothing(scalar) else { throw expected("text") }
        // YAML reads !keep.log as a tag in front of no value at all.
        let tag = scalar.tag.rawValue
        guard tag.first != "!" || tag == "!" else {
            throw wrong("YAML takes \(tag) for a tag; put text that begins with ! in quotes")
        }
        guard !scalar.string.isEmpty else { throw expected("text") }
        guard !scalar.string.unicodeScalars.contains("\0") else { throw wrong("the text holds a NUL character") }
        return scalar.string
    }

    /// Text, or an empty one where there is no value, or `""`.
    func textOrNone() throws(SlotSyncError) -> String {
        if case .scalar(let scalar) = node, scalar.string.isEmpty || ConfigurationNode.isNothing(scalar),
            scalar.tag.rawValue.first != "!" || scalar.tag.rawValue == "!"
        {
            return ""
        }
        return try text()
    }

    func boolean() throws(SlotSyncError) -> Bool {
        guard case .scalar = node, let value = node.bool else { throw expected("true or false") }
        return value
    }

    func read<Value>(_ form: ValueForm<Value>) throws(SlotSyncError) -> Value {
        guard case .scalar(let scalar) = node, let value = form.read(scalar.string) else {
            throw expected(form.expected)
        }
        return value
    }

    private var found: String {
        switch node {
        case .scalar(let scalar) where ConfigurationNode.isNothing(scalar): "nothing"
        case .scalar(let scalar): quoted(scalar.string)
        case .mapping: "keys with values"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }

    private static func isNothing(_ scalar: Node.Scalar) -> Bool {
        scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
            && scalar.tag.rawValue.first != "!"
    }

    private static func notYAML(_ error: any Error, file: String) -> SlotSyncError {
        func at(_ mark: Mark, _ what: String) -> SlotSyncError {
            SlotSyncError(.badInput, "\(file):\(mark.line): \(what)")
        }
        guard let error = error as? YamlError else { return SlotSyncError(.badInput, "\(file): not YAML: \(error)") }
        switch error {
        case .duplicatedKeysInMapping(let keys, let context):
            let names = keys.map { quoted($0) }.joined(separator: ", ")
            return at(context.mark, "more than one key \(names); keep one")
        case .scanner(_, let problem, let mark, let yaml), .parser(_, let problem, let mark, let yaml),
            .composer(_, let problem, let mark, let yaml):
            let lines = yaml.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            let line = lines.indices.contains(mark.line - 1) ? lines[mark.line - 1] : ""
            // An exclusion such as *.log is the one thing that goes wrong here every day.
            let hint = line.contains(/[\-:,\[]\s*\*/) ? "; put text that begins with * in quotes" : ""
            return at(mark, "not YAML: \(problem)\(hint)")
        case .reader(let problem, _, _, _):
            return SlotSyncError(.badInput, "\(file): not YAML: \(problem)")
        default:
            return SlotSyncError(.badInput, "\(file): not YAML: \(error)")
        }
    }
}

extension Node {
    fileprivate var line: Int { mark?.line ?? 1 }
}

extension String {
    /// How many letters have to be put in, left out or changed to make one text of the other
    /// (Levenshtein's distance).
    func editDistance(to other: String) -> Int {
        let other = Array(other)
        var row = Array(0...other.count)
        for (index, letter) in self.prefix(100).enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in other.indices {
                let changed = diagonal + (letter == other[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = Swift.min(changed, diagonal + 1, row[column] + 1)
            }
        }
        return row[other.count]
    }
}
