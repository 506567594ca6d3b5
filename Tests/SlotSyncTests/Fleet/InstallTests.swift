// The agent's way onto hosts whose remote shell is a shell here, with a home folder of its own. The agents are shell
// scripts: what they are for is decided by the program's header, which is tested on its own.

import Glibc
import SystemPackage
import Testing

@testable import SlotSync

@Suite("Installing the agent")
struct InstallTests {
    @Test(
        "the agent is put below the home folder, or where the user says",
        arguments: [nil, "x y/o'z", "/opt/$x", "~/bin"])
    func install(place: String?) async throws {
        try await withHost { host in
            let folder = place.map { $0.hasPrefix("/") ? host.folder.path("").string + $0 : $0 }
            let outcome = try await host.install(agent(), folder: folder)
            let path =
                switch place {
                case nil: host.home + "/.local/bin/slotsync-agent"
                case "~/bin": "bin/slotsync-agent"
                default: folder! + "/slotsync-agent"
                }
            #expect(outcome == .installed(path: path, before: nil))
            let full = path.hasPrefix("/") ? path : host.home + "/" + path
            #expect(access(full, X_OK) == 0)
            #expect(host.names(in: full.dropLast("/slotsync-agent".count)) == ["slotsync-agent"])
            #expect(try await host.install(agent(), folder: folder) == .alreadyThere)
        }
    }

    @Test("an older agent is replaced, and named")
    func replace() async throws {
        try await withHost { host in
            _ = try host.put("#!/bin/sh\necho slotsync-agent 0.0.7\n")
            let path = host.home + "/.local/bin/slotsync-agent"
            #expect(try await host.install(agent()) == .installed(path: path, before: "0.0.7"))
            #expect(try await host.install(agent()) == .alreadyThere)
        }
    }

    @Test(
        "another build of the same version is replaced, which may speak another protocol",
        arguments: ["slotsync-agent \(SlotSyncVersion.current)", "slotsync-agent \(SlotSyncVersion.text)"])
    func otherBuild(says: String) async throws {
        try await withHost { host in
            _ = try host.put("#!/bin/sh\n# another\necho '\(says)'\n")
            let path = host.home + "/.local/bin/slotsync-agent"
            #expect(try await host.install(agent()) == .installed(path: path, before: SlotSyncVersion.current))
            #expect(try await host.install(agent()) == .alreadyThere)
        }
    }

    @Test("a program's sum is what cksum says")
    func sum() {
        #expect(PosixChecksum.text(of: []) == "4294967295 0")
        #expect(PosixChecksum.text(of: Array("123456789".utf8)) == "930766865 9")
        #expect(PosixChecksum.text(of: [UInt8](repeating: 0, count: 300)) == "351385237 300")
    }

    @Test("an agent that does not run, is another version or is damaged on the way leaves all as it was")
    func unusable() async throws {
        var damaged = agent()
        damaged.compressed.removeLast(9)
        let other = "echo 'slotsync-agent \(SlotSyncVersion.current) (protocol \(Greeting.protocolMajor + 1))'"
        let bad = [agent("exit 3"), agent("echo slotsync-agent 9.9.9"), agent(other), damaged]
        try await withHost { host in
            let old = try host.put("#!/bin/sh\necho slotsync-agent 0.0.7\n")
            for agent in bad {
                let error = await #expect(throws: SlotSyncError.self) { try await host.install(agent) }
                #expect(error?.message.hasPrefix("not installed: ") == true)
                #expect(host.names(in: host.home + "/.local/bin") == ["slotsync-agent"])
                #expect(
                    try contents(of: old, atMost: 1000, what: "agent")
                        == Array("#!/bin/sh\necho slotsync-agent 0.0.7\n".utf8))
            }
        }
    }

    @Test("an agent for another kind of machine is refused before a byte is written")
    func wrongMachine() async throws {
        try await withHost { host in
            var machine = utsname()
            uname(&machine)
            let other = AgentProgram(
                path: "agent", isStatic: true, machine: MachineKind(number: 22), bytes: [])
            let error = await #expect(throws: SlotSyncError.self) { try await host.install(other) }
            #expect(error?.message.contains("s390x") == true)
            #expect(host.names(in: host.home).isEmpty)
        }
    }

    @Test("a host that greets people in between does not disturb")
    func banner() async throws {
        try await withHost(banner: "echo Welcome; printf 'last login: never';") { host in
            let outcome = try await host.install(agent())
            #expect(outcome != .alreadyThere)
        }
    }

    @Test("a host that prints without end is given up", arguments: ["yes hello", "yes | tr -d '\\n'"])
    func endless(_ startUp: String) async throws {
        try await withHost(banner: "\(startUp);") { host in
            let error = await #expect(throws: SlotSyncError.self) { try await host.install(agent()) }
            #expect(error?.message.contains("prints without end") == true, "\(String(describing: error))")
        }
    }

    @Test("a host that cannot be reached is told with ssh's words")
    func unreachable() async throws {
        try await withHost(banner: "echo no route >&2; exit 255;") { host in
            let error = await #expect(throws: SlotSyncError.self) { try await host.install(agent()) }
            #expect(error?.message == "not installed: no route")
        }
    }

    @Test("install is nothing for local hosts")
    func local() async throws {
        let fleet = Fleet(hosts: [try Host("h1")], root: "", transport: Transport(.local))
        let error = await #expect(throws: SlotSyncError.self) { _ = try await fleet.install(agent()).report }
        #expect(error?.code == .badInput)
    }
}

@Suite("The header of a program")
struct ELFHeaderTests {
    @Test("this very program is for this machine, and is linked dynamically")
    func own() throws {
        let bytes = try contents(of: "/proc/self/exe", atMost: 1 << 30, what: "program")
        let header = try #require(ELFHeader(bytes))
        var machine = utsname()
        uname(&machine)
        let name = withUnsafeBytes(of: machine.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        #expect(header.machine.runs(on: name) && !header.machine.runs(on: "s390x"))
        #expect(header.needsInterpreter)
    }

    @Test("what is no program, or cut off, is none")
    func none() throws {
        let bytes = Array(try contents(of: "/proc/self/exe", atMost: 1 << 30, what: "program").prefix(4096))
        #expect(ELFHeader([]) == nil)
        #expect(ELFHeader(Array("#!/bin/sh\n".utf8) + .init(repeating: 0, count: 100)) == nil)
        for length in stride(from: 0, to: 120, by: 7) { #expect(ELFHeader(Array(bytes[..<length])) == nil) }
        var damaged = bytes
        damaged.replaceSubrange(32..<40, with: [UInt8](repeating: 0xff, count: 8))
        #expect(ELFHeader(damaged) == nil)
    }
}

/// A script as the agent; its machine is one that nobody has heard of, which may try.
private func agent(_ script: String = "echo 'slotsync-agent \(SlotSyncVersion.text)'") -> AgentProgram {
    AgentProgram(
        path: "agent", isStatic: true, machine: MachineKind(number: 65_000),
        bytes: Array("#!/bin/sh\n\(script)\n".utf8))
}

private struct FakeHost {
    let folder: TemporaryFolder
    var home: String { folder.path("home").string }

    func install(_ agent: AgentProgram, folder place: String? = nil) async throws -> InstallOutcome {
        let fleet = Fleet(
            hosts: [try Host("h1")], root: "", transport: Transport(remoteShell: "/bin/sh '\(folder.path("rsh"))'"))
        let report = try await fleet.install(agent, folder: place).report
        if let failure = report.failures.first { throw failure.error }
        return try #require(report.answers.first).answer
    }

    /// Puts a script where the agent belongs.
    func put(_ script: String) throws -> FilePath {
        for name in ["/.local", "/.local/bin"] { mkdir(home + name, 0o755) }
        try folder.write(Array(script.utf8), to: "home/.local/bin/slotsync-agent")
        chmod(home + "/.local/bin/slotsync-agent", 0o755)
        return folder.path("home/.local/bin/slotsync-agent")
    }

    func names(in folder: some StringProtocol) -> [String] {
        var names: [String] = []
        try? Directory(path: FilePath(String(folder))).forEachName { names.append(String(decoding: $0, as: UTF8.self)) }
        return names
    }
}

private func withHost(banner: String = "", _ body: (FakeHost) async throws -> Void) async throws {
    try await withFolder { folder in
        let host = FakeHost(folder: folder)
        mkdir(host.home, 0o755)
        try folder.write(
            Array("HOME='\(host.home)'; export HOME; cd; shift; \(banner) eval \"$*\"\n".utf8), to: "rsh")
        try await body(host)
    }
}
