// What this machine lets a test do. A test that needs more is skipped, with the reason; it never passes unnoticed.

import Foundation

enum Machine {
    static let isRoot = geteuid() == 0

    /// Mounts a file system in memory of `size` bytes, with so many inodes.
    static func mountMemory(size: Int, inodes: Int? = nil, at path: String) async throws {
        let options = "size=\(size)" + (inodes.map { ",nr_inodes=\($0)" } ?? "")
        try await succeed(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path])
    }

    /// Mounts a small ext4 file system, all of it for everybody, in a file of its own.
    static func mountExt4(image: String, at path: String) async throws {
        try await succeed(["truncate", "-s", "16M", image])
        try await succeed(["mkfs.ext4", "-q", "-m", "0", "-N", "256", image])
        try await succeed(["mount", "-o", "loop", image, path])
    }

    /// Whether a workbench keeps all attributes that a release carries, and the tools that set them are there.
    static func keepsAttributes() async -> Bool {
        await isPossible { bench in
            let path = try bench.write("x", to: "file")
            for command in [
                ["setfattr", "-n", "user.a", "-v", "1"], ["setfacl", "-m", "u:33:rw"], ["setcap", "cap_chown+ep"],
            ] {
                try await succeed(command + [path])
            }
        }
    }

    /// Whether a workbench keeps SELinux labels, of any name.
    static func keepsLabels() async -> Bool {
        await isPossible { bench in
            try await succeed(["setfattr", "-n", "security.selinux", "-v", "a:b:some_t:s0", bench.path])
        }
    }

    /// Lets a folder be read alone, for everybody.
    static func makeReadOnly(_ path: String) async throws {
        try await succeed(["mount", "--bind", path, path])
        try await succeed(["mount", "-o", "remount,bind,ro", path])
    }

    /// Tries whether a file can be mounted as an ext4 file system here.
    static func canMountExt4() async -> Bool {
        await isPossible { try await mountExt4(image: $0["image"], at: $0.folder("mount")) }
    }

    /// Mounts an XFS file system of 512 MiB that can share blocks, in a file of its own.
    static func mountXFS(image: String, at path: String) async throws {
        try await succeed(["truncate", "-s", "512M", image])
        try await succeed(["mkfs.xfs", "-q", "-m", "reflink=1", image])
        try await succeed(["mount", "-o", "loop", image, path])
    }

    /// Mounts a btrfs of 256 MiB in a file of its own, with a subvolume `part` whose quota is `limit` bytes; for everybody.
    static func mountQuota(image: String, at path: String, limit: Int) async throws {
        try await succeed(["truncate", "-s", "256M", image])
        try await succeed(["mkfs.btrfs", "-q", image])
        try await succeed(["mount", "-o", "loop", image, path])
        try await succeed(["btrfs", "quota", "enable", path])
        try await succeed(["btrfs", "subvolume", "create", path + "/part"])
        try await succeed(["btrfs", "qgroup", "limit", "\(limit)", path + "/part"])
    }

    /// Tries whether a quota can be set here.
    static func canSetQuota() async -> Bool {
        await isPossible { try await mountQuota(image: $0["image"], at: $0.folder("mount"), limit: 8 << 20) }
    }

    /// Tries whether mounting is allowed here.
    static func canMountMemory() async -> Bool {
        await isPossible { try await mountMemory(size: 1 << 20, at: $0.folder("mount")) }
    }

    /// Tries whether a file can be mounted as an XFS file system here.
    static func canMountXFS() async -> Bool {
        await isPossible { try await mountXFS(image: $0["image"], at: $0.folder("mount")) }
    }

    /// Tries whether a process may be traced here, and its system calls be made to fail.
    static func canTrace() async -> Bool {
        let command = ["strace", "-qq", "-o", "/dev/null", "-e", "inject=chdir:error=EIO", "true"]
        return (try? await Program.run(command).exitCode) == 0
    }

    /// Tries whether files can be made immutable where tests have theirs.
    static func canMakeImmutable() async -> Bool {
        await isPossible {
            try await succeed(["chattr", "+i", $0.write("x", to: "file")])
            try await succeed(["chattr", "-i", $0["file"]])
        }
    }

    private static func isPossible(_ attempt: (Workbench) async throws -> Void) async -> Bool {
        guard isRoot else { return false }
        do {
            try await Workbench.use(attempt)
            return true
        } catch {
            return false
        }
    }

    private static func succeed(_ command: [String]) async throws {
        let outcome = try await Program.run(command)
        guard outcome.exitCode == 0 else { throw Refused(description: outcome.description) }
    }

    private struct Refused: Error, CustomStringConvertible {
        let description: String
    }
}
