// Counts how many processes run a piece of a script at the same time. Each leaves a mark at its start, notes how many
// marks there are, and removes its own at its end. Tests of bounded and of unbounded concurrency use it.

import Foundation

struct Marks: Sendable {
    private let folder: String

    init(_ bench: Workbench, _ name: String) throws { folder = try bench.folder("marks-\(name)") }

    /// Shell commands for whoever comes. `$$` is the mark, so both have to run in one shell.
    var come: String {
        "mkdir -p '\(folder)/now'; : > '\(folder)/now/'$$; ls '\(folder)/now' | wc -l >> '\(folder)/counts'"
    }

    /// Shell commands for whoever goes.
    var go: String { "rm '\(folder)/now/'$$" }

    /// Shell commands that end well once so many have come and none has gone; badly if that does not happen for long.
    func wait(for count: Int) -> String {
        "for i in $(seq 1000); do test $(ls '\(folder)/now' | wc -l) -ge \(count) && exit 0; sleep 0.02; done; exit 1"
    }

    /// How many there were when each came.
    func counts() throws -> [Int] {
        try String(contentsOfFile: "\(folder)/counts", encoding: .utf8).split(separator: "\n")
            .compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
    }
}
