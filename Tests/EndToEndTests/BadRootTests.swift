// Roots that are not rings are never adopted, never cleared away, and reported with what to do.

import Foundation
import Testing

extension EndToEnd {
    @Suite("Bad roots")
    struct BadRootTests {
        @Test("a root that is missing is refused, with what to make")
        func missing() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                rmdir(fleet.root())
                let outcome = try await fleet.call("stage", firstTree(bench).path)
                #expect(outcome.isRefusal(naming: "h1", fleet.root(), "mkdir"), "\(outcome)")
                #expect(!exists(fleet.root()))
            }
        }

        @Test("a root that is a file is refused")
        func file() async throws {
            try await expectRefusal { root in
                rmdir(root)
                try "x".write(toFile: root, atomically: false, encoding: .utf8)
            }
        }

        @Test("a folder with somebody's files is not adopted")
        func foreign() async throws {
            try await expectRefusal { root in try TreeMaker(at: root).file("index.html", "precious") }
        }

        @Test("a folder that has slots but no state is not adopted")
        func foreignSlots() async throws {
            try await expectRefusal { root in
                try TreeMaker(at: root).folder("slots").folder("1").file("index.html", "precious")
            }
        }

        @Test(
            "a link in the place of a folder of the ring is called one, with what to do instead",
            arguments: [
                ("slots", true), ("slots", false), ("slots/1", true), (".slotsync", true), (".slotsync", false),
            ])
        func linkForFolder(_ place: String, _ isRing: Bool) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                let outside = bench["outside"]
                if isRing {
                    try await fleet.release(firstTree(bench))
                    try await fleet.release(changedTree(bench))
                    try FileManager.default.moveItem(atPath: fleet.root() + "/" + place, toPath: outside)
                } else {
                    try bench.folder("outside")
                }
                try FileManager.default.createSymbolicLink(
                    atPath: fleet.root() + "/" + place, withDestinationPath: outside)
                let before = try await snapshot(outside)
                let outcome = try await fleet.call("stage", firstTree(bench).path)
                #expect(
                    outcome.isRefusal(naming: "h1", fleet.root() + "/" + place, "is a link to", outside), "\(outcome)")
                #expect(outcome.errors.contains(place == "slots" ? "mount --bind" : "mv "), "\(outcome)")
                #expect(try await snapshot(outside) == before)
            }
        }

        @Test(
            "slots may be a file system of its own that has a lost+found",
            .enabled("ext4 cannot be mounted here") { await Machine.canMountExt4() })
        func lostAndFound() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 2)
                let slots = try bench.folder("h1/www/slots")
                try await Machine.mountExt4(image: bench["image"], at: slots)
                try await fleet.release(firstTree(bench))
                #expect(try await fleet.differences(firstTree(bench), slot: 1) == "")
                #expect(exists(slots + "/lost+found"))
            }
        }

        @Test("a current that is a real folder is reported with how to migrate")
        func currentIsFolder() async throws {
            let errors = try await expectRefusal { root in
                try TreeMaker(at: root).folder("current").file("index.html", "precious")
            }
            #expect(errors.contains("current"))
        }

        @Test("a current that is a link elsewhere is reported with how to migrate")
        func currentIsLink() async throws {
            let errors = try await expectRefusal { root in try TreeMaker(at: root).symlink("current", to: "/srv/old") }
            #expect(errors.contains("current") && errors.contains("/srv/old"))
        }

        @Test(
            "a current that was turned elsewhere behind SlotSync's back stops stage and flip",
            arguments: ["stage", "flip"])
        func currentTurned(_ command: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                try await fleet.stage(changedTree(bench))
                let root = try TreeMaker(at: fleet.root())
                try root.remove("current")
                try root.symlink("current", to: "../elsewhere")
                let arguments = command == "stage" ? try firstTree(bench).path : "--quiet"
                let outcome = try await fleet.call(command, arguments)
                #expect(outcome.isRefusal(naming: "h1", "current", "../elsewhere"), "\(outcome)")
                #expect(fleet.current() == "../elsewhere")
            }
        }

        @Test("roots that are not there are told once for all hosts, with nothing to type that is wrong on each")
        func missingRoots() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2).with("--root", replacedBy: bench["{host}/none"])
                let outcome = try await fleet.call("status")
                #expect(outcome.isRefusal(naming: "h[1-2]", "{host}/none", "mkdir -p"), "\(outcome)")
                // Pasted into a shell, it would make a folder that is called {host}.
                #expect(!outcome.errors.contains("mkdir -p \(bench.path)"), "\(outcome)")
            }
        }

        @Test(
            "a root where nothing may be written is refused",
            .enabled(if: Machine.isRoot, "needs root to become nobody"))
        func notWritable() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                chmod(bench.path, 0o755)
                try FileManager.default.copyItem(atPath: Program.agent, toPath: bench["agent"])
                let nobody = try bench.script(
                    "#!/bin/sh\nexec setpriv --reuid 65534 --regid 65534 --clear-groups '\(bench["agent"])' \"$@\"\n",
                    to: "as-nobody"
                )
                let outcome = try await fleet.with("--remote-command", nobody).call("stage", firstTree(bench).path)
                #expect(outcome.isRefusal(naming: "h1", fleet.root(), "ermission denied"), "\(outcome)")
                #expect(try FileManager.default.contentsOfDirectory(atPath: fleet.root()).isEmpty)
            }
        }

        @Test("another number of slots than the ring was made with is refused")
        func otherSlots() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, slots: 3)
                try await fleet.release(firstTree(bench))
                let outcome = try await fleet.with("--slots", replacedBy: "4").call("stage", changedTree(bench).path)
                #expect(outcome.isRefusal(naming: "h1", "3", "4"), "\(outcome)")
            }
        }

        @Test(
            "a damaged state is refused, and nothing is written", arguments: Damage.allCases,
            ["stage", "flip", "status"])
        func damagedState(_ damage: Damage, _ command: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                try await fleet.stage(changedTree(bench))
                try damage.apply(to: fleet.root() + "/.slotsync/state")
                let before = try await snapshot(fleet.root())
                let arguments = command == "stage" ? try firstTree(bench).path : "--quiet"
                let outcome = try await fleet.call(command, arguments)
                #expect(outcome.exitCode == 1, "\(outcome)")
                for word in ["h1", ".slotsync/state"] { #expect(outcome.errors.contains(word), "\(outcome)") }
                #expect(try await snapshot(fleet.root()) == before)
                #expect(fleet.current() == "slots/1")
            }
        }

        @Test(
            "a damaged record of a slot costs trust in that slot, and the next release is right",
            arguments: Damage.allCases)
        func damagedRecord(_ damage: Damage) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try await fleet.release(firstTree(bench))
                try damage.apply(to: fleet.root() + "/.slotsync/slots/1")
                try await fleet.release(changedTree(bench))
                #expect(try await fleet.differences(changedTree(bench), slot: 2) == "")
            }
        }

        @Test("a root that is refused on one host is staged on the others")
        func oneOfMany() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 3)
                try TreeMaker(at: fleet.root("h2")).file("index.html", "precious")
                let outcome = try await fleet.call("stage", firstTree(bench).path)
                #expect(outcome.exitCode == 2 && outcome.errors.contains("h2: "), "\(outcome)")
                for host in ["h1", "h3"] {
                    #expect(try await fleet.differences(firstTree(bench), slot: 1, of: host) == "")
                }
            }
        }
    }
}

enum Damage: CaseIterable, Sendable {
    case emptied, halved, flippedBit, replacedByNoise

    func apply(to path: String) throws {
        var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        switch self {
        case .emptied: bytes = []
        case .halved: bytes.removeLast(bytes.count / 2)
        case .flippedBit: bytes[bytes.count / 2] ^= 0x10
        case .replacedByNoise: bytes = Content.random(bytes.count, seed: 1)
        }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }
}

/// Prepares the root by `make`, stages, and expects that nothing happens but a message that names host and root.
@discardableResult
private func expectRefusal(_ make: (String) throws -> Void) async throws -> String {
    var errors = ""
    try await Workbench.use { bench in
        let fleet = try Fleet(bench)
        try make(fleet.root())
        let before = try await snapshot(fleet.root())
        let outcome = try await fleet.call("stage", firstTree(bench).path)
        #expect(outcome.isRefusal(naming: "h1", fleet.root()), "\(outcome)")
        #expect(try await snapshot(fleet.root()) == before)
        errors = outcome.errors
    }
    return errors
}
