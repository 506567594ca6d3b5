// Reads JSON (RFC 8259) in one pass, by whoever knows what it expects: no tree is built, so a hostile document of n bytes
// costs no more than n. Used for what comes from a Prometheus server.

/// A place in a JSON document. Each function reads one value and moves on.
struct JSONReader {
    /// The deepest nesting that is followed; Prometheus's answers have five levels.
    static let deepest = 32

    struct Fault: Error, Equatable {
        var what: String
        /// In bytes from the beginning.
        var offset: Int
    }

    /// What a value begins as.
    enum Kind: Equatable { case object, array, string, number, constant }

    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// What comes next.
    mutating func next() throws(Fault) -> Kind {
        skipSpace()
        switch peek ?? 0 {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"): return .constant
        default: throw fault("no value here")
        }
    }

    /// Reads an object; `member` reads the value of each key, or skips it.
    mutating func object(_ member: (inout JSONReader, String) throws(Fault) -> Void) throws(Fault) {
        try enter("{", "an object")
        if accept("}") { return leave() }
        repeat {
            let key = try string()
            try expect(":")
            try member(&self, key)
        } while accept(",")
        try expect("}")
        leave()
    }

    /// Reads an array; `element` reads each of its values.
    mutating func array(_ element: (inout JSONReader) throws(Fault) -> Void) throws(Fault) {
        try enter("[", "an array")
        if accept("]") { return leave() }
        repeat { try element(&self) } while accept(",")
        try expect("]")
        leave()
    }

    mutating func string() throws(Fault) -> String {
        try expect("\"")
        let start = position
        while let byte = peek, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { position += 1 }
        guard peek != UInt8(ascii: "\"") else {
            defer { position += 1 }
            return try text(bytes[start..<position])
        }
        var content = Array(bytes[start..<position])
        while true {
            guard let byte = peek else { throw fault("a string without its end") }
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return try text(content[...])
            case UInt8(ascii: "\\"): content += try escape()
            case 0..<0x20: throw fault("a control character in a string")
            default: content.append(byte)
            }
        }
    }

    /// Reads a value of any kind and forgets it.
    mutating func skip() throws(Fault) {
        switch try next() {
        case .object: try object { (reader, _) throws(Fault) in try reader.skip() }
        case .array: try array { (reader) throws(Fault) in try reader.skip() }
        case .string: _ = try string()
        case .number: try number()
        case .constant: try constant()
        }
    }

    /// Makes sure that nothing follows.
    mutating func end() throws(Fault) {
        skipSpace()
        guard position == bytes.count else { throw fault("something after the end") }
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func fault(_ what: String) -> Fault { Fault(what: what, offset: position) }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard peek == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(Fault) {
        guard accept(character) else { throw fault("no \(character) where one has to be") }
    }

    private mutating func enter(_ character: Unicode.Scalar, _ what: String) throws(Fault) {
        guard accept(character) else { throw fault("no \(what) where one has to be") }
        depth += 1
        guard depth <= Self.deepest else { throw fault("it is nested more than \(Self.deepest) deep") }
    }

    private mutating func leave() { depth -= 1 }

    private func text(_ content: ArraySlice<UInt8>) throws(Fault) -> String {
        guard let text = String(validating: content, as: UTF8.self) else { throw fault("a string that is not UTF-8") }
        return text
    }

    private mutating func escape() throws(Fault) -> [UInt8] {
        guard let byte = peek else { throw fault("a string without its end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0c]
        case UInt8(ascii: "n"): return [0x0a]
        case UInt8(ascii: "r"): return [0x0d]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"):
            var unit = try hexadecimal()
            if (0xd800..<0xdc00).contains(unit) {
                guard bytes[position...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) else {
                    throw fault("half a character")
                }
                position += 2
                let low = try hexadecimal()
                guard (0xdc00..<0xe000).contains(low) else { throw fault("half a character") }
                unit = 0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00)
            }
            guard let scalar = Unicode.Scalar(unit) else { throw fault("half a character") }
            return Array(String(scalar).utf8)
        default: throw fault("an escape that JSON does not have")
        }
    }

    private mutating func hexadecimal() throws(Fault) -> UInt32 {
        let digits = bytes[position...].prefix(4)
        var value: UInt32 = 0
        for byte in digits {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw fault("no hexadecimal digit") }
            value = value << 4 | UInt32(digit)
        }
        guard digits.count == 4 else { throw fault("a string without its end") }
        position += 4
        return value
    }

    private mutating func number() throws(Fault) {
        if peek == UInt8(ascii: "-") { position += 1 }
        if peek == UInt8(ascii: "0") { position += 1 } else { try digits() }
        if peek == UInt8(ascii: ".") {
            position += 1
            try digits()
        }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            position += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
    }

    private mutating func digits() throws(Fault) {
        let start = position
        while let byte = peek, (0x30...0x39).contains(byte) { position += 1 }
        guard position > start else { throw fault("no digit where one has to be") }
    }

    private mutating func constant() throws(Fault) {
        for word in ["true", "false", "null"] where bytes[position...].starts(with: word.utf8) {
            position += word.utf8.count
            return
        }
        throw fault("a word that JSON does not have")
    }
}
