// Tables of numbers that other programs computed: text files beside the tests that read them.

import Foundation

/// The lines of a file in the folder of the calling test, each as its words.
func dataLines(_ name: String, beside test: String = #filePath) throws -> [[Substring]] {
    let file = URL(fileURLWithPath: test).deletingLastPathComponent().appending(path: name)
    return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map { $0.split(separator: " ") }
}
