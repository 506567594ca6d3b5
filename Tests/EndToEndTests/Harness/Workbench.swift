// A folder for each test, which holds its hosts, sources and scripts. Nothing of it is left afterwards, mounts
// included. It is in memory where there is room, so that tests do not wait for a disk.

import Foundation
import Testing

struct Workbench: Sendable {
    let path: String

    /// Runs `body` with a workbench that exists for it alone.
    static func use(_ body: (Workbench) async throws -> Void) async throws {
        let bench = try Workbench(path: makeFolder())
        do {
            try await body(bench)
        } catch {
            try await bench.clear()
            throw error
        }
        try await bench.clear()
    }

    /// The path of something on the bench.
    subscript(_ name: String) -> String { "\(path)/\(name)" }

    /// Makes a folder on the bench, with those above it.
    @discardableResult
    func folder(_ name: String) throws -> String {
        try FileManager.default.createDirectory(atPath: self[name], withIntermediateDirectories: true)
        return self[name]
    }

    /// Writes a text file on the bench.
    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try text.write(toFile: self[name], atomically: false, encoding: .utf8)
        return self[name]
    }

    /// Writes a program on the bench.
    func script(_ text: String, to name: String) throws -> String {
        try write(text, to: name)
        guard chmod(self[name], 0o755) == 0 else { throw SystemFailure("chmod \(name)") }
        return self[name]
    }

    /// A source tree on the bench, empty unless it was begun before.
    func tree(_ name: String) throws -> TreeMaker { try TreeMaker(at: folder(name)) }

    private static func makeFolder() throws -> String {
        let shared = "/dev/shm"
        let parent = freeBytes(at: shared) > 4 << 30 ? shared : NSTemporaryDirectory()
        var template = Array("\(parent)/slotsync-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemFailure("mkdtemp in \(parent)") }
        return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private func clear() async throws {
        for mount in try String(contentsOfFile: "/proc/self/mounts", encoding: .utf8).split(separator: "\n").reversed()
        {
            let point = String(mount.split(separator: " ")[1])
            if point.hasPrefix(path + "/") { _ = try await Program.run(["umount", "-l", point]) }
        }
        _ = try await Program.run(["rm", "-rf", path])
    }
}

/// Bytes that a file system has left for an ordinary user; none where it is not there.
func freeBytes(at path: String) -> Int {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return 0 }
    return Int(status.f_bavail) * Int(status.f_frsize)
}

/// A system call of the harness that failed: the test cannot be run.
struct SystemFailure: Error, CustomStringConvertible {
    let description: String

    init(_ what: String) {
        description = "\(what): \(String(cString: strerror(errno)))"
    }
}
