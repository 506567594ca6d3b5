// Reads the extended attributes of a tree's entries, on several threads: of a source that is staged with them, and of a slot.
// Each entry is opened, so that no link leads elsewhere; symbolic links have none that a release carries.

import Glibc
import SystemPackage

extension Manifest {
    /// Enters what the files and directories of this tree have.
    ///
    /// - Parameters:
    ///   - name: what the tree is, for messages.
    ///   - toleratesUnreadable: whether an entry that cannot be opened is returned, in place of an error.
    /// - Returns: entries whose attributes are not known.
    /// - Throws: `SlotSyncError`: `system` for what cannot be read, `badInput` for more than a manifest holds.
    mutating func readExtendedAttributes(
        below root: Directory, name: String, toleratesUnreadable: Bool = false, parallelism: Int
    ) throws -> Set<Int> {
        let reading = ExtendedAttributeReading(
            manifest: self, root: root, name: name, toleratesUnreadable: toleratesUnreadable)
        let found = try reading.found(parallelism: parallelism)
        hasExtendedAttributes = true
        extendedAttributes = ExtendedAttributeTable()
        for item in found.sorted(by: { $0.entry < $1.entry }) {
            if let attributes = item.attributes { extendedAttributes.append(attributes, for: item.entry) }
            guard !extendedAttributes.isTooLarge else {
                throw SlotSyncError(
                    .badInput,
                    "\(name) has more extended attributes than a release can: "
                        + "\(byteText(UInt64(ExtendedAttributeTable.mostBytes))) of different ones; leave --xattrs out")
            }
        }
        return Set(found.filter { $0.attributes == nil }.map(\.entry))
    }
}

private struct ExtendedAttributeReading: Sendable {
    let manifest: Manifest
    let root: Directory
    let name: String
    let toleratesUnreadable: Bool

    private static let longestRun = 512

    /// Of an entry that has some; nil: it cannot be read.
    typealias Found = (entry: Int, attributes: ExtendedAttributes?)

    func found(parallelism: Int) throws -> [Found] {
        let size = Self.longestRun
        let runs = (manifest.count + size - 1) / size
        return try ParallelRuns.perform(count: runs, parallelism: runs == 1 ? 1 : parallelism) { next, report in
            let tree = OpenDirectories(root: root, manifest: manifest)
            let buffer = ExtendedAttributeBuffer()
            while let run = next() {
                var found: [Found] = []
                for index in run * size..<min((run + 1) * size, manifest.count) {
                    let attributes = try attributes(of: index, tree, buffer)
                    if attributes?.isEmpty != true { found.append((index, attributes)) }
                }
                report(found)
            }
        }
    }

    private func attributes(
        of index: Int, _ tree: OpenDirectories, _ buffer: borrowing ExtendedAttributeBuffer
    ) throws(SlotSyncError) -> ExtendedAttributes? {
        do { return try tree.extendedAttributes(of: index, buffer) } catch {
            // What was removed or replaced shows in change times; what is mounted there is none of the tree's.
            if error.isFromReplacedEntry || error == .improperLink { return ExtendedAttributes() }
            if toleratesUnreadable, [.ioError, .permissionDenied, .notPermitted].contains(error) { return nil }
            let path = index == 0 ? "." : String(decoding: manifest.path(of: index), as: UTF8.self)
            throw SlotSyncError(
                .system, "\(name): the extended attributes of \(quoted(path)) cannot be read", errno: error)
        }
    }
}

extension OpenDirectories {
    /// What an entry has; a symbolic link nothing.
    func extendedAttributes(
        of index: Int, _ buffer: borrowing ExtendedAttributeBuffer
    ) throws(Errno) -> ExtendedAttributes {
        switch manifest.entries[index].kind {
        case .symbolicLink: return ExtendedAttributes()
        case .directory:
            return try ExtendedAttributes(of: directory(UInt32(index), isKept: false).descriptor, buffer)
        case .file:
            let file = try openFile(index, O_RDONLY | O_NONBLOCK)
            defer { try? file.close() }
            return try ExtendedAttributes(of: file, buffer)
        }
    }
}
