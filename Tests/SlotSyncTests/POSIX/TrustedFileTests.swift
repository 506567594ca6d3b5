// A file that decides what others may do is read only where nobody else could have put it.

import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("A file that is believed")
struct TrustedFileTests {
    private func read(_ path: FilePath) throws -> [UInt8] {
        try TrustedFile(path: path.string, bound: 100, what: "the policy").contents()
    }

    private func withFile(_ body: (FilePath, TemporaryFolder) async throws -> Void) async throws {
        try await withFolder { folder in
            try Directory(path: folder.path("")).makeDirectory("etc", mode: 0o755)
            try folder.write(Array("stage no\n".utf8), to: "etc/policy")
            try await body(folder.path("etc/policy"), folder)
        }
    }

    @Test("a file of this process's user below folders that nobody else writes to is read")
    func usual() async throws {
        try await withFile { path, _ in
            let bytes = try read(path)
            #expect(bytes == Array("stage no\n".utf8))
        }
    }

    @Test(
        "a file, or a folder above it, that others may write to is refused, and named",
        arguments: ["etc", "etc/policy"])
    func writable(name: String) async throws {
        try await withFile { path, folder in
            for mode: mode_t in [0o775, 0o757, 0o777] {
                #expect(chmod(folder.path(name).string, mode) == 0)
                let said = errorMessage { _ = try read(path) }
                #expect(said.contains(folder.path(name).string + "\"") && said.contains("chmod go-w"), "\(said)")
            }
        }
    }

    @Test("a sticky bit lets a folder be everybody's, and no file")
    func sticky() async throws {
        try await withFile { path, folder in
            #expect(chmod(folder.path("etc").string, 0o1777) == 0)
            let bytes = try read(path)
            #expect(bytes.count == 9)
            #expect(chmod(path.string, 0o1666) == 0)
            #expect(errorCode { _ = try read(path) } == .refused)
        }
    }

    @Test(
        "a file, or a folder above it, of another user is refused, and named", .enabled(if: geteuid() == 0),
        arguments: ["etc", "etc/policy"])
    func foreign(name: String) async throws {
        try await withFile { path, folder in
            #expect(chown(folder.path(name).string, 12345, 0) == 0)
            let said = errorMessage { _ = try read(path) }
            #expect(said.contains(folder.path(name).string + "\"") && said.contains("belongs to uid 12345"), "\(said)")
        }
    }

    @Test("no link is followed, to the file nor to a folder above it")
    func links() async throws {
        try await withFile { path, folder in
            let top = try Directory(path: folder.path(""))
            try top.makeSymbolicLink("link", to: "etc/policy")
            try top.makeSymbolicLink("folder", to: "etc")
            for name in ["link", "folder/policy"] {
                #expect(errorMessage { _ = try read(folder.path(name)) }.contains("is a link"))
            }
        }
    }

    @Test("what is no regular file, is too long or is not there is refused, and a FIFO holds nobody up")
    func others() async throws {
        try await withFile { path, folder in
            try folder.write([UInt8](repeating: 0x23, count: 101), to: "etc/long")
            #expect(errorMessage { _ = try read(folder.path("etc/long")) }.contains("larger than 100 bytes"))
            #expect(mkfifo(folder.path("etc/fifo").string, 0o600) == 0)
            #expect(errorMessage { _ = try read(folder.path("etc/fifo")) }.contains("no regular file"))
            #expect(errorMessage { _ = try read(folder.path("etc")) }.contains("no regular file"))
            #expect(errorCode { _ = try read(folder.path("etc/none")) } == .system)
            for text in ["etc/policy", "", "/", "\(path)/", "/tmp/../etc/passwd", "/etc/./passwd"] {
                #expect(
                    errorCode { _ = try TrustedFile(path: text, bound: 1, what: "x").contents() } == .badInput,
                    "\(text)")
            }
        }
    }
}
