// Releases that are signed, as people call the commands: signed by the real ssh-keygen, sent over a real sshd, checked by an agent that
// takes no other. And what SHA-256 is for: contents that XXH3 takes for one another.

import Foundation
import Testing

extension FleetEndToEnd {
    @Suite("Signed releases")
    struct SignedReleaseTests {
        private func makeKey(_ bench: Workbench, _ name: String) async throws -> String {
            let made = try await Program.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", bench[name]])
            try #require(made.exitCode == 0, "\(made)")
            return bench[name]
        }

        /// Calls `slotsync sign` for a source.
        private func sign(_ bench: Workbench, _ words: String...) async throws -> Outcome {
            try await Program.run(
                [Program.slotsync, "sign"] + words,
                environment: ["HOME": bench["home"], "XDG_CACHE_HOME": bench["cache"]], in: bench.path)
        }

        @Test(
            "a host with a verify key takes what is signed, by name, and nothing else; ssh-keygen agrees",
            arguments: [false, true])
        func signed(hasPolicy: Bool) async throws {
            try await Workbench.use { bench in
                let (key, stranger) = (try await makeKey(bench, "key"), try await makeKey(bench, "stranger"))
                let root = try bench.folder("pinned")
                let line = try String(contentsOfFile: key + ".pub", encoding: .utf8)
                let policy = try bench.write("verify_key \(line)", to: "policy")
                let option = hasPolicy ? "--policy \(policy)" : "--verify-key \(key).pub"
                let command = "\(Program.agent) agent --root \(root) \(option)"
                try await SSHServer.use(bench, hosts: 1, pinned: command) { server in
                    let fleet = try server.fleet().with("--root", replacedBy: root)
                    let (source, output) = (try firstTree(bench).path, bench["v1.sig"])
                    let signing = try await sign(bench, source, "--name", "v1", "--key", key, "-o", output)
                    try #require(signing.exitCode == 0, "\(signing)")
                    let foreign = try await sign(
                        bench, source, "--name", "v1", "--key", stranger, "-o", bench["no.sig"])
                    try #require(foreign.exitCode == 0, "\(foreign)")

                    let statement = try await sign(bench, source, "--name", "v1", "--statement")
                    try bench.write(statement.output, to: "statement")
                    try bench.write("me \(String(contentsOfFile: key + ".pub", encoding: .utf8))", to: "allowed")
                    let judged = try await Program.run([
                        "sh", "-c",
                        "ssh-keygen -Y verify -n slotsync -I me -f '\(bench["allowed"])' -s '\(output)' < '\(bench["statement"])'",
                    ])
                    #expect(judged.exitCode == 0, "\(judged)")

                    // The controller asks as well where it has keys.
                    let asked = fleet.with("--verify-key", bench["allowed"])
                    for local in [
                        try await asked.call("stage", source, "--name", "v1"),
                        try await asked.call("stage", source, "--name", "v1", "--signature", bench["no.sig"]),
                    ] {
                        #expect(local.exitCode == 64 && local.errors.contains("`--verify-key` takes"), "\(local)")
                    }

                    let unsigned = try await fleet.call("stage", source, "--name", "v1")
                    #expect(unsigned.exitCode == 1 && unsigned.errors.contains("is not signed"), "\(unsigned)")
                    let other = try await fleet.call("stage", source, "--name", "v1", "--signature", bench["no.sig"])
                    #expect(other.exitCode == 1 && other.errors.contains("another key"), "\(other)")
                    let renamed = try await fleet.call("stage", source, "--name", "v2", "--signature", output)
                    #expect(renamed.exitCode == 64 && renamed.errors.contains("not of this release"), "\(renamed)")
                    #expect(try FileManager.default.contentsOfDirectory(atPath: root).isEmpty)

                    let stage = try await fleet.done(
                        "stage", source, "--name", "v1", "--signature", output, "--verify-key", bench["allowed"])
                    #expect(stage.lastLine == signing.lastLine)
                    try await fleet.done("flip")
                    let live = try FileManager.default.destinationOfSymbolicLink(atPath: root + "/current")
                    #expect(live == "slots/1")
                    try await fleet.done("verify")
                }
            }
        }

        /// 512 bytes, and others with the same XXH3-128: where the low half of a word is that of XXH3's usual secret, its high half
        /// is merely added, and what two words add can be shifted between them.
        private var twins: (good: [UInt8], evil: [UInt8]) {
            func content(_ first: UInt32, _ second: UInt32) -> [UInt8] {
                var bytes = [UInt8](repeating: 0x2e, count: 512)
                func put(_ word: UInt32, at place: Int) {
                    for index in 0..<4 { bytes[place + index] = UInt8(truncatingIfNeeded: word >> (8 * UInt32(index))) }
                }
                put(0x396c_feb8, at: 0)
                put(first, at: 4)
                put(0x2c81_017c, at: 64)
                put(second, at: 68)
                return bytes
            }
            return (content(1000, 2000), content(1007, 1993))
        }

        @Test("with SHA-256 a content that XXH3 takes for another one is noticed, wherever it stands, and made right")
        func collision() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                let (good, evil) = twins
                func tree(_ name: String, _ content: [UInt8], _ more: String) throws -> TreeMaker {
                    let tree = try bench.tree(name)
                    try tree.file("page", content)
                    try tree.file("more", more)
                    return tree
                }
                try await fleet.release(tree("evil", evil, "1"))
                // Copied from slot 1 ...
                try await fleet.done("stage", tree("copied", good, "2").path, "--digest", "sha256")
                #expect(try TreeMaker(at: fleet.slot(2)).content("page") == good)
                try await fleet.done("flip")
                // ... and kept in it. What is sealed stays as it is, and is not read again.
                try await fleet.done("stage", tree("kept", good, "3").path, "--digest", "sha256")
                #expect(try TreeMaker(at: fleet.slot(1)).content("page") == good)
                try await fleet.done("verify")
                // `verify` reads both digests.
                let page = fleet.slot(1) + "/page"
                let file = try #require(FileHandle(forWritingAtPath: page))
                file.write(Data(evil))
                try file.close()
                let verified = try await fleet.call("verify", "--slot", "1")
                #expect(
                    verified.exitCode == 1 && (verified.output + verified.errors).contains("other content: \"page\""),
                    "\(verified)")
            }
        }

        @Test("a forgery with several names goes with all of them")
        func linkedForgery() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                let (good, evil) = twins
                func tree(_ name: String, _ content: [UInt8], _ more: String) throws -> TreeMaker {
                    let tree = try bench.tree(name)
                    try tree.file("a", content)
                    try tree.folder("b")
                    for link in ["b/c", "d"] { try tree.hardLink(.init(link), to: "a") }
                    try tree.file("more", more)
                    return tree
                }
                for number in 1...2 {
                    try await fleet.done("stage", tree("evil\(number)", evil, "\(number)").path, "--hard-links")
                    try await fleet.done("flip")
                }
                try await fleet.done("stage", tree("good", good, "3").path, "--hard-links", "--digest", "sha256")
                let slot = try TreeMaker(at: fleet.slot(1))
                for path in ["a", "b/c", "d"] { #expect(try slot.content(.init(path)) == good, "\(path)") }
                #expect(
                    try FileManager.default.attributesOfItem(atPath: slot.path + "/d")[.referenceCount] as? Int == 3)
                try await fleet.done("verify")
            }
        }
    }
}
