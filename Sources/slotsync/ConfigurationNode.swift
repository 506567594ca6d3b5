// A value of the configuration file, with its name and line. It is read as the type that its key asks for. Every error
// says where the value stands, what was expected and what was found. Configuration uses it; no other file knows Yams.

import SlotSync
import SystemPackage
import Yams

struct ConfigurationNode {
    private let node: Node
    /// The key, as in `hooks.after_flip`; empty for the whole file.
    private let name: String
    /// Where an error points: the key's line, for an item of a list its own.
    private let line: Int
    private let file: String
    /// Whether an error must not show the value.
    private var isSecret = false

    /// The file's one document; nil if it is empty.
    init?(parsing text: String, file: String) throws(SlotSyncError) {
        if let (line, what) = YAMLBounds.problem(in: text) {
            throw SlotSyncError(.badInput, "\(file):\(line): \(what)")
        }
        do {
            guard let node = try Yams.compose(yaml: text) else { return nil }
            self.init(node: node, name: "", line: node.line, file: file)
        } catch let error as YamlError {
            throw SyntaxMessage.error(error, in: text, file: file)
        } catch {
            throw SlotSyncError(.badInput, "\(file): not YAML: \(error)")
        }
        if case .scalar(let scalar) = node, ConfigurationNode.isNothing(scalar) { return nil }
    }

    private init(node: Node, name: String, line: Int, file: String) {
        self.node = node
        self.name = name
        self.line = line
        self.file = file
    }

    /// Where this value stands, and its key: `slotsync.yml:3: except`.
    var place: String { "\(file):\(line): \(name)" }

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

    /// The entries of a mapping with keys of any name, whose values no error shows.
    func secrets() throws(SlotSyncError) -> [(key: String, value: ConfigurationNode)] {
        guard case .mapping(let mapping) = node else {
            var secret = self
            secret.isSecret = true
            throw secret.expected("names with values, such as X-Scope-OrgID: …")
        }
        var entries: [(key: String, value: ConfigurationNode)] = []
        for (keyNode, value) in mapping {
            var secret = ConfigurationNode(node: value, name: name, line: keyNode.line, file: file)
            secret.isSecret = true
            guard let text = keyNode.scalar?.string else { throw secret.wrong("a name has to be plain text") }
            entries.append((text, secret))
        }
        return entries
    }

    /// The path of a file of this machine, relative to the folder that holds the configuration.
    func path() throws(SlotSyncError) -> FilePath {
        let text = try text()
        guard let path = HomePath.expanded(text) else {
            throw wrong("there is no user \(quoted(text.dropFirst().prefix { $0 != "/" })) on this machine")
        }
        return FilePath(file).removingLastComponent().pushing(FilePath(path))
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
            throw wrong("YAML takes \(isSecret ? "it" : tag) for a tag; put text that begins with ! in quotes")
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
        case .scalar where isSecret: "something else (it is not shown)"
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
