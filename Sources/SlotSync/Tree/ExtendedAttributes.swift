// The extended attributes of one file or directory that a release carries: what users set, file capabilities, SELinux labels
// and access lists, as rsync's -X and -A. SourceScan and SlotInspection read them, a manifest keeps and encodes them.

import Glibc
import SystemPackage

/// Attributes by name, sorted by the bytes of their names.
struct ExtendedAttributes: Hashable, Sendable {
    struct Item: Hashable, Sendable {
        var name: [UInt8]
        var value: [UInt8]

        func hash(into hasher: inout Hasher) {
            // Values may be long, and an array hashes byte by byte.
            name.withUnsafeBytes { hasher.combine(bytes: $0) }
            value.withUnsafeBytes { hasher.combine(bytes: $0) }
        }
    }

    private(set) var items: [Item] = []

    /// Linux's own bounds: of a name, of a value, of all names of one entry with a NUL behind each.
    static let longestName = 255
    static let longestValue = 64 << 10
    static let longestNames = 64 << 10

    static let accessList = Array("system.posix_acl_access".utf8)
    static let defaultAccessList = Array("system.posix_acl_default".utf8)
    static let capability = Array("security.capability".utf8)
    static let label = Array("security.selinux".utf8)
    private static let prefixOfUsers = Array("user.".utf8)

    /// Whether a release carries attributes of this name.
    static func isCarried(_ name: some Collection<UInt8>) -> Bool {
        if name.starts(with: prefixOfUsers) {
            return name.count > prefixOfUsers.count && name.count <= longestName && !name.contains(0)
        }
        return [accessList, defaultAccessList, capability, label].contains { $0.elementsEqual(name) }
    }

    init() {}

    /// Of these the ones that are carried.
    init(_ all: [Item]) {
        items = all.filter { Self.isCarried($0.name) && !$0.isModeAlone }
        items.sort { $0.name.lexicographicallyPrecedes($1.name) }
    }

    /// Reads what an open file or directory has.
    init(of file: FileDescriptor, _ buffer: borrowing ExtendedAttributeBuffer) throws(Errno) {
        var found: [Item] = []
        for name in try file.attributeNames(buffer) where Self.isCarried(name) {
            // One that goes while we look was a change, which shows in the change time.
            if let value = try file.attribute(name, buffer) { found.append(Item(name: name, value: value)) }
        }
        self.init(found)
    }

    var isEmpty: Bool { items.isEmpty }

    subscript(name: [UInt8]) -> [UInt8]? { items.first { $0.name == name }?.value }

    /// Whether an entry that has `found` is as this says. Where this says no label, the host's rules give one.
    func isMet(by found: ExtendedAttributes) -> Bool {
        if self == found { return true }
        guard self[Self.label] == nil else { return false }
        return items == found.items.filter { $0.name != Self.label }
    }

    /// These with an access list that says `mode`, as rsync's `--chmod` makes it.
    func changingMode(to mode: UInt16) -> ExtendedAttributes {
        var changed = self
        for index in changed.items.indices where changed.items[index].name == Self.accessList {
            changed.items[index].value = AccessList.changing(changed.items[index].value, to: mode)
        }
        return changed
    }
}

extension ExtendedAttributes.Item {
    fileprivate var isModeAlone: Bool { name == ExtendedAttributes.accessList && AccessList.isModeAlone(value) }
}

/// The form of an access list as an attribute: four bytes of version, then for each entry two of its tag, two of
/// permissions and four of an ID, little-endian.
private enum AccessList {
    private static let (head, entry) = (4, 8)
    private enum Tag {
        static let (owner, owningGroup, mask, other): (UInt8, UInt8, UInt8, UInt8) = (1, 4, 0x10, 0x20)
    }

    /// Whether it says no more than nine bits of a mode do: then the kernel keeps the mode alone.
    static func isModeAlone(_ value: [UInt8]) -> Bool { value.count <= head + 3 * entry }

    static func changing(_ value: [UInt8], to mode: UInt16) -> [UInt8] {
        var value = value
        let starts = Array(stride(from: head, to: value.count - entry + 1, by: entry))
        let mask = starts.first { value[$0] == Tag.mask }.map { value[$0 + 2] }
        for start in starts {
            switch value[start] {
            case Tag.owner: value[start + 2] = UInt8(mode >> 6 & 7)
            case Tag.mask: value[start + 2] = UInt8(mode >> 3 & 7)
            // A mask that says no less than the owning group has is there for the others: the group changes with it.
            case Tag.owningGroup where mask == nil || mask == value[start + 2]: value[start + 2] = UInt8(mode >> 3 & 7)
            case Tag.other: value[start + 2] = UInt8(mode & 7)
            default: break
            }
        }
        return value
    }
}

extension ExtendedAttributes {
    func encode(to writer: inout ByteWriter) {
        writer.append(varint: items.count)
        for item in items {
            writer.append(counted: item.name)
            writer.append(counted: item.value)
        }
    }

    /// Reads at least one, and believes nothing: names, their order and all lengths are checked.
    init(from reader: inout ByteReader) throws(SlotSyncError) {
        let count = try reader.count(atMost: Self.longestNames, of: "extended attributes")
        guard count > 0 else { throw reader.corrupt("extended attributes of an entry that has none") }
        var namesLength = 0
        for _ in 0..<count {
            let name = try reader.counted(atMost: Self.longestName, of: "an attribute's name")
            guard Self.isCarried(name) else { throw reader.corrupt("an attribute that no release carries") }
            if let last = items.last, !last.name.lexicographicallyPrecedes(name) {
                throw reader.corrupt("its attributes are not sorted")
            }
            namesLength += name.count + 1
            guard namesLength <= Self.longestNames else { throw reader.corrupt("too many names of attributes") }
            let value = try reader.counted(atMost: Self.longestValue, of: "an attribute's value")
            let item = Item(name: Array(name), value: Array(value))
            guard !item.isModeAlone else { throw reader.corrupt("an access list that says no more than a mode") }
            items.append(item)
        }
    }
}
