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

    /// What one entry loses of one kind.
    private struct Loss: Sendable {
        var entry: Int
        var kind: Kind
        /// Whether a release could carry it.
        var canBeCarried: Bool
    }

    /// Names of one entry are looked at up to so many bytes. The kernel makes room for all that it is given room for, so
    /// the first try is a small one.
    private static let longestNames = 64 << 10
    private static let usualNames = 256
    /// Entries that one thread looks at at a time.
    private static let longestRun = 1024

    /// What entries of the tree in `source` lose, for a person; nil if they lose nothing.
    ///
    /// What the release carries is in the manifest, where it was asked for.
    static func lost(of manifest: Manifest, at source: Directory, path: FilePath, parallelism: Int) -> String? {
        let top = way(to: source, path: path)
        let usualLabel = top.withCString { value("security.selinux", of: $0) }
        let first = top.withCString { ss_list_attributes($0, nil, 0) }
        if first < 0, Glibc.errno == EOPNOTSUPP { return nil }
        let runs = (manifest.count + longestRun - 1) / longestRun
        let losses: [Loss]? = try? ParallelRuns.perform(count: runs, parallelism: parallelism) { next, report in
            var names = Names(of: manifest, below: top)
            while let run = next() {
                let entries = run * longestRun..<min((run + 1) * longestRun, manifest.count)
                let found = entries.flatMap { look(at: $0, manifest, &names, usualLabel) }
                if !found.isEmpty { report(found) }
            }
        }
        guard let losses, !losses.isEmpty else { return nil }
        let parts = Kind.allCases.compactMap { kind -> String? in
            let entries = Set(losses.lazy.filter { $0.kind == kind }.map(\.entry)).sorted()
            guard !entries.isEmpty else { return nil }
            let paths = entries.map { $0 == 0 ? Array(".".utf8) : manifest.path(of: $0) }
            return "\(kind.noun) of \(NumberText.count(paths.count, "entry", plural: "entries")) (\(namedPaths(paths)))"
        }
        let cause =
            losses.contains(where: \.canBeCarried)
            ? "the release carries these with --xattrs alone" : "no release carries these"
        return "\(cause), so hosts do not get them: \(parts.joined(separator: "; "))"
    }

    /// How each look gets to the source: the way through /proc is sure, and takes as long as three looks.
    private static func way(to source: Directory, path: FilePath) -> String {
        let own = "/proc/self/fd/\(source.descriptor.rawValue)/"
        let isThere = try? FileIdentity(source.status()) == FileIdentity(FileStatus(following: path.string))
        return isThere == true || access(own, F_OK) != 0 ? "\(path.string)/" : own
    }

    private static func look(
        at entry: Int, _ manifest: Manifest, _ names: inout Names, _ usualLabel: [UInt8]?
    ) -> [Loss] {
        guard let all = names.ofAttributes(entry) else { return [] }
        let isLink = manifest.entries[entry].kind == .symbolicLink
        let lost = all.filter { isLink || !manifest.hasExtendedAttributes || !ExtendedAttributes.isCarried($0) }
        let canBeCarried = !isLink && lost.contains(where: ExtendedAttributes.isCarried)
        return Set(lost.compactMap { Kind(String(decoding: $0, as: UTF8.self)) }).compactMap { kind in
            if kind == .label, names.value("security.selinux", entry) == usualLabel { return nil }
            // With the option, what stands at a shared path is carried, though a link is there in the release.
            if isLink, kind != .label, manifest.hasExtendedAttributes { return nil }
            return Loss(entry: entry, kind: kind, canBeCarried: canBeCarried)
        }
    }

    /// Asks for entries' attributes by their paths; quick for entries of one directory one after the other.
    private struct Names: ~Copyable {
        private let manifest: Manifest
        private var path: EntryPath
        /// The directory that `path` stands for, and whether its paths are short enough.
        private var directory = (entry: -1, isShort: true)
        private let buffer = UnsafeMutableBufferPointer<CChar>.allocate(capacity: longestNames)

        init(of manifest: Manifest, below top: String) {
            self.manifest = manifest
            path = EntryPath(below: top)
        }

        deinit { buffer.deallocate() }

        /// Nil where an entry has none.
        mutating func ofAttributes(_ entry: Int) -> [[UInt8]]? {
            let buffer = buffer
            let length =
                withPath(of: entry) { path in
                    let length = ss_list_attributes(path, buffer.baseAddress!, usualNames)
                    guard length < 0, Glibc.errno == ERANGE else { return length }
                    return ss_list_attributes(path, buffer.baseAddress!, buffer.count)
                } ?? 0
            guard length > 0 else { return nil }
            return buffer[..<length].split(separator: 0).map { name in name.map { UInt8(bitPattern: $0) } }
        }

        mutating func value(_ name: String, _ entry: Int) -> [UInt8]? {
            withPath(of: entry) { SourceAttributes.value(name, of: $0) } ?? nil
        }

        /// Nil where the path is longer than the system takes.
        private mutating func withPath<T>(of entry: Int, _ body: (UnsafePointer<CChar>) -> T) -> T? {
            let parent = entry == 0 ? 0 : Int(manifest.entries[entry].parent)
            if parent != directory.entry { directory = (parent, path.setDirectory(parent, of: manifest)) }
            guard directory.isShort else { return nil }
            return entry == 0 ? path.withDirectory(body) : path.withPath(of: entry, in: manifest, body)
        }
    }

    private static func value(_ name: String, of path: UnsafePointer<CChar>) -> [UInt8]? {
        var value = [UInt8](repeating: 0, count: 1024)
        let length = ss_attribute(path, name, &value, value.count)
        return length < 0 ? nil : Array(value.prefix(length))
    }
}
