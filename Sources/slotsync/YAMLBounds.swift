// Looks at a configuration's YAML before it is composed: aliases stand for what may itself have aliases, so a kilobyte can
// mean more values than there is memory for, and keys that are lists or mappings are compared whole. ConfigurationNode
// asks; a file that is no YAML passes, since the parser has the words for that.

import CYaml
import SlotSync

enum YAMLBounds {
    /// How many bytes and values a file may mean when each alias stands for what it means.
    static let mostMeant = 4 << 20
    /// How deep lists and mappings may stand in one another.
    static let deepest = 64

    /// Why a text is not to be composed, with its line; nil: it may be.
    static func problem(in text: String) -> (line: Int, what: String)? {
        var text = text
        return text.withUTF8 { bytes in
            var parser = yaml_parser_t()
            guard yaml_parser_initialize(&parser) == 1 else { return nil }
            defer { yaml_parser_delete(&parser) }
            yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
            yaml_parser_set_input_string(&parser, bytes.baseAddress, bytes.count)
            var weights = Weights()
            while true {
                var event = yaml_event_t()
                guard yaml_parser_parse(&parser, &event) == 1 else { return nil }
                defer { yaml_event_delete(&event) }
                if event.type == YAML_STREAM_END_EVENT { return nil }
                if let what = weights.take(event) { return (Int(event.start_mark.line) + 1, what) }
            }
        }
    }

    /// What the values so far mean, alias by alias.
    private struct Weights {
        /// A list or a mapping that has begun.
        private struct Open {
            var anchor: String?
            var isMapping: Bool
            /// How many nodes are in it so far: in a mapping every other one is a key.
            var nodes = 0
            var weight = 1
        }

        private var open: [Open] = []
        private var anchored: [String: Int] = [:]

        /// - Returns: what is wrong with this event; nil: nothing.
        mutating func take(_ event: yaml_event_t) -> String? {
            switch event.type {
            case YAML_SCALAR_EVENT:
                let scalar = event.data.scalar
                return add(1 + scalar.length, anchor: Self.text(scalar.anchor))
            case YAML_ALIAS_EVENT:
                if isKeyNext { return "an alias cannot be a key" }
                // One that is not known is the parser's to tell of.
                return add(Self.text(event.data.alias.anchor).flatMap { anchored[$0] } ?? 1, anchor: nil)
            case YAML_SEQUENCE_START_EVENT:
                return begin(Open(anchor: Self.text(event.data.sequence_start.anchor), isMapping: false))
            case YAML_MAPPING_START_EVENT:
                return begin(Open(anchor: Self.text(event.data.mapping_start.anchor), isMapping: true))
            case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
                guard let ended = open.popLast() else { return nil }
                return add(ended.weight, anchor: ended.anchor)
            default: return nil
            }
        }

        private var isKeyNext: Bool { open.last.map { $0.isMapping && $0.nodes.isMultiple(of: 2) } ?? false }

        private mutating func begin(_ node: Open) -> String? {
            if isKeyNext { return "a key has to be plain text" }
            guard open.count < YAMLBounds.deepest else { return "more than \(YAMLBounds.deepest) levels" }
            open.append(node)
            return nil
        }

        private mutating func add(_ weight: Int, anchor: String?) -> String? {
            if let anchor { anchored[anchor] = weight }
            guard !open.isEmpty else { return nil }
            open[open.count - 1].nodes += 1
            let sum = open[open.count - 1].weight.addingSaturated(weight)
            open[open.count - 1].weight = sum
            guard sum <= YAMLBounds.mostMeant else {
                return "with its aliases it means more than \(byteText(UInt64(YAMLBounds.mostMeant)))"
            }
            return nil
        }

        private static func text(_ bytes: UnsafeMutablePointer<yaml_char_t>?) -> String? {
            bytes.map { String(cString: $0) }
        }
    }
}
