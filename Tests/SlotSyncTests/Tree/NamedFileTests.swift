// Files and folders that a person names, on whose way somebody else has put a link.

import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("What a person names")
struct NamedFileTests {
    private func text(_ path: FilePath) throws -> String {
        String(decoding: try contents(of: path, atMost: 100, what: "test"), as: UTF8.self)
    }

    @Test("one's own links are followed, in any form, and so is what a shell has open")
    func own() async throws {
        try await withFolder { folder in
            let top = try Directory(path: folder.path(""))
            try top.makeDirectory("a")
            try folder.write(Array("there".utf8), to: "a/file")
            for (name, target) in [
                ("relative", "a/file"), ("absolute", folder.path("a/file").string), ("up", "a/../a/./file"),
                ("folder", "a"), ("twice", "relative"),
            ] { try top.makeSymbolicLink(name, to: target) }
            for name in ["a/file", "relative", "absolute", "up", "folder/file", "twice", "a/../folder//file"] {
                #expect(try text(folder.path(name)) == "there", "\(name)")
            }
            #expect(try Directory(named: folder.path("folder")).names() == ["file"])
            let file = try FileDescriptor.open(folder.path("a/file"), .readOnly)
            defer { try? file.close() }
            #expect(try text(FilePath("/dev/fd/\(file.rawValue)")) == "there")
            #expect(try Directory(named: "/").status().kind == .directory)
        }
    }

    @Test("what is not there, is no folder or leads in a circle is an error as the system has it")
    func errors() async throws {
        try await withFolder { folder in
            let top = try Directory(path: folder.path(""))
            try top.makeSymbolicLink("round", to: "round")
            try folder.write([1], to: "file")
            for (name, errno) in [
                ("none", Errno.noSuchFileOrDirectory), ("none/file", .noSuchFileOrDirectory),
                ("file/below", .notDirectory), ("round", .tooManySymbolicLinkLevels),
            ] {
                let error = #expect(throws: SlotSyncError.self) { try text(folder.path(name)) }
                #expect(error?.errno == errno, "\(name): \(String(describing: error))")
            }
            try FileDescriptor.checkLinks(of: folder.path("none"))
        }
    }

    @Test("what others may not read in a file, an error does not show", arguments: [0o644, 0o640, 0o600] as [mode_t])
    func privateFile(_ mode: mode_t) async throws {
        try await withFolder { folder in
            try folder.write(Array("web1\n-----BEGIN KEY-----[\n".utf8), to: "file")
            #expect(chmod(folder.path("file").string, mode) == 0)
            for message in [
                errorMessage { _ = try HostSelection(file: folder.path("file")) },
                errorMessage { _ = try Exclusions.read(file: folder.path("file")) },
            ] {
                #expect(message.contains("file:2: ") && message.contains("BEGIN") == (mode == 0o644), "\(message)")
            }
        }
    }

    @Test(
        "a link that another user has planted is not followed: not to read, and not to write",
        .enabled(if: geteuid() == 0, "needs root"), arguments: ["hosts", "below/hosts"])
    func planted(_ name: String) async throws {
        try await withFolder { folder in
            let top = try Directory(path: folder.path(""))
            try top.makeDirectory("secret")
            try folder.write(Array("root:$6$secret".utf8), to: "secret/hosts")
            let link = name == "hosts" ? "hosts" : "below"
            try top.makeSymbolicLink(link, to: name == "hosts" ? "secret/hosts" : "secret")
            #expect(lchown(folder.path(link).string, 33, 33) == 0)
            let path = folder.path(name)
            let refusals = [
                errorMessage { _ = try HostSelection(file: path) },
                errorMessage { _ = try Exclusions.read(file: path) },
                errorMessage { try FileDescriptor.checkLinks(of: path) },
                errorMessage { _ = try CacheFolder.open(path.removingLastComponent().appending("new")) },
            ]
            for refusal in name == "hosts" ? refusals.dropLast() : refusals[...] {
                #expect(refusal.contains("the link \"\(link)\" on the way belongs to www-data"), "\(refusal)")
                #expect(!refusal.contains("$6$"))
            }
            #expect(lchown(folder.path(link).string, 0, 0) == 0)
            #expect(try text(path) == "root:$6$secret")
        }
    }
}
