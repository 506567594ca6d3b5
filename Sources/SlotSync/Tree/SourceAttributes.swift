// Finds what entries of a source have that the release does not carry: access lists, file capabilities, SELinux labels of
// their own, and other extended attributes. It is lost on the hosts, so it is named.

import CSystemCalls
import Glibc
import SystemPackage

enum SourceAttributes {
    /// What is lost, as a person calls it, in the order in which it is told.
    private enum Kind: CaseIterable {
        case accessList, capability, label, other

        init?(_ name: String) {
            switch name {
            case "system.posix_acl_access", "system.posix_acl_default": self = .accessList
            case "security.capability": self = .capability
            case "security.selinux": self = .label
            // What file systems and the kernel keep for themselves.
            case _
            where name.hasPrefix("system.") || name.hasPrefix("trusted.") || name.hasPrefix("security.ima")
                || name.hasPrefix("security.evm") || name.hasPrefix("btrfs."):
                return nil
            default: self = .other
            }
        }

        var noun: String {
            switch self {
            case .accessList: "access control lists (ACLs)"
            case .capability: "file capabilities"
            case .label: "SELinux labels of their own"
            case .other: "extended attributes"
            }
        }
    }

    /// Names of one entry are looked at up to so many bytes.
    private static let longestNames = 64 << 10

    /// What entries of the tree at `source` lose, for a person; nil if they lose nothing.
    ///
    /// What the release carries is in the manifest, where it was asked for.
    ///
    /// - Parameter isCancelled: asked now and then; then nothing is told.
    static func lost(of manifest: Manifest, at source: FilePath, isCancelled: () -> Bool = { false }) -> String? {
        var found: [Kind: [[UInt8]]] = [:]
        var canBeCarried = false
        let buffer = UnsafeMutableBufferPointer<CChar>.allocate(capacity: longestNames)
        defer { buffer.deallocate() }
        let prefix = source.string
        let usualLabel = value("security.selinux", of: prefix)
        for index in manifest.entries.indices {
            if index % 1024 == 0, isCancelled() { return nil }
            let path = index == 0 ? [] : manifest.path(of: index)
            let whole = Array("\(prefix)/".utf8) + path + [0]
            let length = whole.withUnsafeBufferPointer { whole in
                whole.withMemoryRebound(to: CChar.self) {
                    ss_list_attributes($0.baseAddress!, buffer.baseAddress!, buffer.count)
                }
            }
            if length < 0, Glibc.errno == EOPNOTSUPP, index == 0 { return nil }
            guard length > 0 else { continue }
            let isLink = manifest.entries[index].kind == .symbolicLink
            let names = buffer[..<length].split(separator: 0).map { name in name.map { UInt8(bitPattern: $0) } }
            let lost = names.filter {
                isLink || !manifest.hasExtendedAttributes || !ExtendedAttributes.isCarried($0)
            }
            for kind in Set(lost.compactMap { Kind(String(decoding: $0, as: UTF8.self)) }) {
                if kind == .label,
                    value("security.selinux", of: String(decoding: whole.dropLast(), as: UTF8.self)) == usualLabel
                {
                    continue
                }
                // With the option, what stands at a shared path is carried, though a link is there in the release.
                if isLink, kind != .label, manifest.hasExtendedAttributes { continue }
                found[kind, default: []].append(path.isEmpty ? Array(".".utf8) : path)
                if !isLink, lost.contains(where: ExtendedAttributes.isCarried) { canBeCarried = true }
            }
        }
        let parts = Kind.allCases.compactMap { kind in
            found[kind].map {
                "\(kind.noun) of \(NumberText.count($0.count, "entry", plural: "entries")) (\(namedPaths($0)))"
            }
        }
        guard !parts.isEmpty else { return nil }
        let cause = canBeCarried ? "the release carries these with --xattrs alone" : "no release carries these"
        return "\(cause), so hosts do not get them: \(parts.joined(separator: "; "))"
    }

    private static func value(_ name: String, of path: String) -> [UInt8]? {
        var value = [UInt8](repeating: 0, count: 1024)
        let length = ss_attribute(path, name, &value, value.count)
        return length < 0 ? nil : Array(value.prefix(length))
    }
}
