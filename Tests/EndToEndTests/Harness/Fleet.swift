// A fleet on a workbench: host `h3` is the folder `h3/www`, and the transport is local unless a test says otherwise.
// Tests call commands as a shell script would, and look at the result on disk.

import Foundation
import Testing

struct Fleet: Sendable {
    let bench: Workbench
    let hosts: [String]
    /// The fleet options that every command of this fleet is given.
    var options: [String]

    /// Variables for every command.
    var environment: [String: String] = [:]

    /// Makes `count` hosts with empty roots.
    init(_ bench: Workbench, hosts count: Int = 1, slots: Int? = nil) throws {
        let width = String(count).count
        let names = (1...count).map { number in
            "h" + String(repeating: "0", count: width - String(number).count) + String(number)
        }
        self.init(bench, named: names, list: count == 1 ? "h1" : "h[\(names[0].dropFirst())-\(count)]")
        options += ["--transport", "local"]
        if let slots { options += ["--slots", String(slots)] }
        for host in hosts { try bench.folder("\(host)/www") }
    }

    /// Hosts of these names, which `list` says in the program's own words; no transport chosen, no roots made.
    init(_ bench: Workbench, named hosts: [String], list: String) {
        self.bench = bench
        self.hosts = hosts
        options = ["--hosts", list, "--root", bench["{host}/www"]]
    }

    /// The same fleet with more options.
    func with(_ more: String...) -> Fleet {
        var copy = self
        copy.options += more
        return copy
    }

    /// The same fleet with another value for one of its options.
    func with(_ option: String, replacedBy value: String) throws -> Fleet {
        var copy = self
        let index = try #require(copy.options.firstIndex(of: option))
        copy.options[index + 1] = value
        return copy
    }

    /// Some hosts of this fleet, as a fleet.
    func only(_ list: String) throws -> Fleet { try with("--hosts", replacedBy: list) }

    /// Local hosts get differences in these tests, as hosts behind ssh do, unless a test says `--whole-file`.
    private func options(for command: String) -> [String] {
        (command == "stage" && options.contains("local") ? ["--no-whole-file"] : []) + options
    }

    private var variables: [String: String] {
        ["HOME": bench["home"], "XDG_CACHE_HOME": bench["cache"]].merging(environment) { $1 }
    }

    /// Calls `slotsync COMMAND` for this fleet and waits for its end, however it ends.
    func call(
        _ command: String,
        _ arguments: String...,
        timeout: Duration = .seconds(60),
        whileRunning body: (RunningProgram) async throws -> Void = { _ in }
    ) async throws -> Outcome {
        try await Program.run(
            [Program.slotsync, command] + options(for: command) + arguments,
            environment: variables,
            in: bench.path,
            timeout: timeout,
            whileRunning: body
        )
    }

    /// Calls a command that has to succeed.
    @discardableResult
    func done(
        _ command: String,
        _ arguments: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Outcome {
        let outcome = try await Program.run(
            [Program.slotsync, command] + options(for: command) + arguments,
            environment: variables,
            in: bench.path
        )
        try #require(outcome.exitCode == 0, "\(outcome)", sourceLocation: sourceLocation)
        return outcome
    }

    /// Stages a tree on every host.
    @discardableResult
    func stage(
        _ source: TreeMaker,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> String {
        try await done("stage", source.path, sourceLocation: sourceLocation).lastLine
    }

    /// Stages a tree on every host, and flips to it.
    @discardableResult
    func release(
        _ source: TreeMaker,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let release = try await stage(source, sourceLocation: sourceLocation)
        try await done("flip", sourceLocation: sourceLocation)
        return release
    }

    /// Stages a tree and tells how many bytes went out to all hosts together.
    func sentBytes(
        staging source: TreeMaker,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Int {
        let outcome = try await done("stage", source.path, "--json", sourceLocation: sourceLocation)
        let summary = try outcome.summary(sourceLocation: sourceLocation)
        return try #require(summary["sent_bytes"] as? Int, "\(outcome)", sourceLocation: sourceLocation)
    }

    func root(_ host: String = "h1") -> String { bench["\(host)/www"] }
    func slot(_ number: Int, of host: String = "h1") -> String { "\(root(host))/slots/\(number)" }

    /// Where `current` points: the link's own text; nil where there is none.
    func current(_ host: String = "h1") -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "\(root(host))/current")
    }

    /// What rsync has to say about the difference of `source` and a slot.
    func differences(
        _ source: TreeMaker,
        slot number: Int,
        of host: String = "h1",
        flags: [String] = []
    ) async throws -> String {
        try await Rsync.differences(source.path, slot(number, of: host), flags: flags)
    }

    /// True once nobody holds the root's lock.
    func isUnlocked(_ host: String = "h1") async throws -> Bool {
        try await Program.run(["flock", "-n", "\(root(host))/.slotsync/lock", "true"]).exitCode == 0
    }
}

extension Outcome {
    /// The JSON objects that the command printed, one a line.
    func events(sourceLocation: SourceLocation = #_sourceLocation) throws -> [[String: Any]] {
        try lines.map { line in
            let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return try #require(object, "not a JSON object: \(line)", sourceLocation: sourceLocation)
        }
    }

    /// The last JSON object, which sums the command up.
    func summary(sourceLocation: SourceLocation = #_sourceLocation) throws -> [String: Any] {
        let last = try #require(try events(sourceLocation: sourceLocation).last, "\(self)")
        try #require(last["event"] as? String == "summary", "\(self)", sourceLocation: sourceLocation)
        return last
    }
}
