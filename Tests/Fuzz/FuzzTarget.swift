// One decoder under fuzz: what it is given, what it has to keep, and what the search begins with. The files of targets
// make these, FuzzMain runs one.

import SystemPackage

@testable import SlotSync

/// A decoder, and what has to hold of all that it takes.
struct FuzzTarget: Sendable {
    let name: String
    /// The longest input, in bytes. Longer ones show nothing more, and cost much.
    var longest = 4096
    /// Words of the language, for the dictionary.
    var words: [String] = []
    /// Inputs that the decoder accepts, made by the project's own encoders where there are any.
    let seeds: @Sendable () throws -> [[UInt8]]
    /// Decodes, and goes on with what came of it as the product does. A promise that is broken ends the program.
    ///
    /// - Returns: whether the input was accepted.
    let run: @Sendable ([UInt8]) -> Bool

    /// Writes `NAME/seed-N`, `NAME.dict` and `NAME.options` into a folder.
    func write(below path: FilePath) throws {
        let folder = try Directory(path: path)
        try? folder.makeDirectory(name, mode: 0o755)
        let own = try Directory(path: path.appending(name))
        for (index, seed) in try seeds().enumerated() {
            demand(seed.count <= longest, "seed \(index) of \(name) has \(seed.count) bytes")
            try own.replaceContents(of: "seed-\(index + 1)", by: seed, isShared: true)
        }
        let dictionary = words.map { word in
            "\"" + word.utf8.map { "\\x" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "\"\n"
        }
        try folder.replaceContents(of: "\(name).dict", by: Array(dictionary.joined().utf8), isShared: true)
        try folder.replaceContents(of: "\(name).options", by: Array("-max_len=\(longest)\n".utf8), isShared: true)
    }
}

/// Ends the program, as an input that must be kept, where a promise does not hold.
func demand(_ holds: Bool, _ promise: @autoclosure () -> String) {
    guard holds else { fatalError(promise()) }
}

/// What `body` gives; nil where it refuses the input by the library's error, which is all that a decoder may do.
func accepted<Value>(_ body: () throws(SlotSyncError) -> Value) -> Value? {
    do { return try body() } catch {
        demand(
            !error.message.isEmpty && error.message.utf8.count < 64 << 10,
            "an error of \(error.message.utf8.count) bytes")
        return nil
    }
}

/// The same of what throws anything.
func acceptedAny<Value>(_ body: () throws -> Value) -> Value? { try? body() }

/// Takes an input apart into numbers and pieces; at its end there are zeros, and nothing.
struct FuzzInput {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    mutating func number() -> UInt64 { (0..<8).reduce(0) { number, _ in number << 8 | UInt64(byte()) } }

    /// The next bytes, at most so many.
    mutating func take(_ count: Int) -> [UInt8] {
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    /// A piece whose length, in two bytes, stands before it.
    mutating func piece() -> [UInt8] { take(Int(byte()) << 8 | Int(byte())) }

    /// What is left.
    mutating func all() -> [UInt8] { take(rest.count) }
}

/// A piece as ``FuzzInput/piece()`` takes it.
func piece(_ bytes: [UInt8]) -> [UInt8] { [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xff)] + bytes }
