// Takes out of a slot what the release does not have: FIFOs, sockets and devices first, then the obsolete entries, the
// innermost first. What came there since the slot was looked at goes as well, and a person is told. A step of SlotFiller.

import SystemPackage

extension SlotFiller {
    func removeObsolete() throws {
        for path in actual.specials where !late.keepsSpecials {
            let components = path.split(separator: UInt8(ascii: "/"))
            guard let name = components.last else { continue }
            try removing(path) {
                let parent = try slot.directory.openDirectory(beneath: Array(components.dropLast()))
                try parent.remove(name.map { CChar(bitPattern: $0) } + [0])
            }
        }
        let old = OpenDirectories(root: slot.directory, manifest: actual.manifest)
        // From the end: children stand after their folders.
        let counterparts = plan.change.counterparts(count: actual.manifest.count)
        for index in plan.change.obsolete.reversed() where !sources.savedEntries.contains(index) {
            let folder = Int(actual.manifest.entries[index].parent)
            let stays = counterparts[folder]
            let isDirectory = actual.manifest.entries[index].kind == .directory
            slot.progress.add(files: 1, bytes: 0)
            try removing(actual.manifest.path(of: index)) {
                let parent = try stays >= 0 ? tree.directory(UInt32(stays)) : old.directory(UInt32(folder))
                try actual.manifest.withName(of: index) { name in
                    if isWritten(index, name, in: parent) { try tellOfWrite(actual.manifest.path(of: index)) }
                    do {
                        if isDirectory { try parent.removeDirectory(name) } else { try parent.remove(name) }
                    } catch let error as Errno {
                        if error == .noSuchFileOrDirectory { return }
                        guard
                            error == .directoryNotEmpty || error == .fileExists || error == .isDirectory
                                || error == .notDirectory
                        else {
                            throw error
                        }
                        let path = actual.manifest.path(of: index)
                        if !actual.deep.contains(index) { try tellOfWrite(path) }
                        try removeTree(name, in: parent, path)
                    }
                }
            }
        }
    }

    /// Whether somebody wrote to a file, or put another there, since the slot was looked at. Of one with several names each
    /// removal changes the status of the others, which tells nothing then.
    private func isWritten(_ index: Int, _ name: UnsafePointer<CChar>, in parent: Directory) -> Bool {
        actual.manifest.entries[index].kind == .file && actual.manifest.linkLeader(of: index) == nil
            && !actual.isUnchanged(index, name, in: parent, slot.progress) && (try? parent.status(of: name)) != nil
    }

    /// Removes a folder with what is in it: what came there since the slot was looked at, or was too deep to be looked at.
    private func removeTree(_ name: UnsafePointer<CChar>, in parent: Directory, _ path: [UInt8]) throws {
        do { try parent.removeTree(name) } catch {
            let components = path.split(separator: UInt8(ascii: "/")).dropLast()
            let below = error.path.split(separator: UInt8(ascii: "/"))
            throw slot.failure(
                "remove", Array((components + below).joined(separator: [UInt8(ascii: "/")])), error.errno)
        }
    }

    private func removing(_ path: @autoclosure () -> [UInt8], _ step: () throws -> Void) throws {
        do { try step() } catch let error as Errno { throw slot.failure("remove", path(), error) }
    }
}
