// The agent's program as a file that goes to hosts: which machines it runs on, whether it needs anything of its host,
// and its compressed form, which is made once for a whole fleet. FleetInstall sends it.

public import SystemPackage

/// An agent to install.
public struct AgentProgram: Sendable {
    /// Where it was read from.
    public let path: FilePath
    /// Whether it brings all that it needs. One that does not runs only where Swift's libraries are.
    public let isStatic: Bool
    let machine: MachineKind
    var compressed: [UInt8]
    /// What cksum says of it on a host.
    let sum: String

    init(path: FilePath, isStatic: Bool, machine: MachineKind, bytes: [UInt8]) {
        self.path = path
        self.isStatic = isStatic
        self.machine = machine
        compressed = gzip(bytes)
        sum = PosixChecksum.text(of: bytes)
    }
}

extension AgentProgram {
    /// Larger files are no agents.
    private static let bound = 256 << 20

    /// Reads the program; nil: `slotsync-agent` beside the running program.
    ///
    /// - Throws: ``SlotSyncError`` with the code `badInput`, if it is not there or no program for Linux.
    public init(path: FilePath? = nil) throws(SlotSyncError) {
        let place: FilePath
        if let path {
            place = path
        } else {
            place = try runningProgram().removingLastComponent().appending("slotsync-agent")
        }
        let bytes: [UInt8]
        do throws(SlotSyncError) {
            bytes = try contents(of: place, atMost: Self.bound, what: "agent")
        } catch {
            throw SlotSyncError(
                .badInput,
                "\(error): build the agent with `make static`, and name it with --agent or put it beside this command")
        }
        guard let header = ELFHeader(bytes) else {
            throw SlotSyncError(
                .badInput, "\(quoted(place.string)) is no program for Linux: `make static` builds the agent")
        }
        self.init(path: place, isStatic: !header.needsInterpreter, machine: header.machine, bytes: bytes)
    }
}

/// A kind of processor, as ELF numbers it and as `uname -m` calls it.
struct MachineKind: Hashable, Sendable, CustomStringConvertible {
    let number: UInt16

    /// What `uname -m` says on machines of each kind, the usual name first.
    private static let names: [UInt16: [String]] = [
        3: ["i686", "i386", "i486", "i586"], 21: ["ppc64le", "ppc64"], 22: ["s390x"],
        40: ["armv7l", "armv6l", "armv8l", "arm"], 62: ["x86_64", "amd64"], 183: ["aarch64", "arm64"],
        243: ["riscv64"], 258: ["loongarch64"],
    ]

    /// Whether programs for it run on a machine that calls itself so. What nobody has heard of may try.
    func runs(on machine: String) -> Bool { Self.names[number]?.contains(machine) ?? true }

    var description: String { Self.names[number]?[0] ?? "machine \(number)" }
}

/// What the first bytes of a program tell. The format: System V ABI, chapters 4 and 5.
struct ELFHeader {
    let machine: MachineKind
    /// Whether it is started by a dynamic linker.
    private(set) var needsInterpreter = false

    private static let magic: [UInt8] = [0x7f] + Array("ELF".utf8)
    private static let interpreterSegment: UInt32 = 3

    /// Nil if `bytes` are no 64-bit little-endian program; the kind of machine is read whatever it is.
    init?(_ bytes: [UInt8]) {
        guard bytes.starts(with: Self.magic), bytes.count >= 64, bytes[4] == 2, bytes[5] == 1 else { return nil }
        func number<T: FixedWidthInteger>(at offset: Int, _: T.Type) -> T {
            T(littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: T.self) })
        }
        machine = MachineKind(number: number(at: 18, UInt16.self))
        let (size, count) = (Int(number(at: 54, UInt16.self)), Int(number(at: 56, UInt16.self)))
        let table = number(at: 32, UInt64.self)
        guard size >= 4, table <= UInt64(bytes.count), count * size <= bytes.count - Int(table) else { return nil }
        needsInterpreter = (0..<count).contains {
            number(at: Int(table) + $0 * size, UInt32.self) == Self.interpreterSegment
        }
    }
}
