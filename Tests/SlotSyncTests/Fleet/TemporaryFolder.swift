// A folder for one test, with messages in files.

import Glibc
import SystemPackage
import Testing

@testable import SlotSync

struct TemporaryFolder: Sendable {
    private let root: FilePath

    init() throws {
        var template = Array("/tmp/slotsync-test-XXXXXX".utf8CString)
        root = FilePath(platformString: try #require(mkdtemp(&template)))
    }

    func path(_ name: String) -> FilePath { name.isEmpty ? root : root.appending(name) }

    func write(_ bytes: [UInt8], to name: String) throws {
        let file = try FileDescriptor.open(
            path(name), .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
        _ = try file.closeAfter { try file.writeAll(bytes) }
    }

    func write(_ replies: [Reply], to name: String) throws {
        var bytes: [UInt8] = []
        for reply in replies { reply.encode(into: &bytes) }
        try write(bytes, to: name)
    }

    func read(_ name: String) throws -> [UInt8] { try contents(of: path(name), atMost: 64 << 20, what: "file") }

    /// The requests that a script has written to a file.
    func requests(_ name: String) throws -> [Request] {
        var parser = FrameParser(.requests)
        try read(name).withUnsafeBytes { parser.append($0) }
        var requests: [Request] = []
        while let (type, payload) = try parser.next() { requests.append(try Request(type: type, payload: payload)) }
        #expect(!parser.isInsideMessage)
        return requests
    }

    func remove() { try? Directory(path: root.removingLastComponent()).removeTree(root.lastComponent?.string ?? "") }
}

func withFolder(_ body: (TemporaryFolder) async throws -> Void) async throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    try await body(folder)
}
