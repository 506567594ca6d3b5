// What stands in `.slotsync` and is of no use: what was half written when its writer was killed is removed by whoever takes
// the lock next; what others put in the place of a record is moved aside by the stage that writes one there.

import SystemPackage

extension Ring {
    /// Removes what writers that were killed have left. The lock is held.
    func removeUnfinished() {
        for name in [StateFile.unfinished, Self.unfinishedSeeded] { try? metadata.remove(name) }
        for slot in status.numbers {
            for name in recordNames(of: slot) { try? records.remove(Directory.unfinishedName(of: name)) }
        }
    }

    /// Moves aside what is no file and stands where a slot's record or note goes.
    ///
    /// - Returns: what was moved, for a person.
    func makeWayForRecord(of slot: Int) throws -> [String] {
        var told: [String] = []
        for name in recordNames(of: slot) {
            guard let status = try? records.status(of: name), status.kind != .file else { continue }
            let path = "\(path)/.slotsync/slots/\(name)"
            let aside = try naming("move aside", path) {
                for number in 1... {
                    let aside = "\(name).replaced-\(number)"
                    do throws(Errno) { try records.renameExclusively(name, to: aside, in: records) } catch {
                        if error == .fileExists { continue }
                        throw error
                    }
                    return aside
                }
                return name
            }
            let kind =
                switch status.kind {
                case .directory: "folder"
                case .symbolicLink: "link"
                default: status.specialKind
                }
            told.append(
                "\(quoted(path)) was a \(kind), which SlotSync did not make; it is \(quoted(aside)) beside it now")
        }
        return told
    }

    private func recordNames(of slot: Int) -> [String] { ["\(slot)", noteName(slot), signatureName(slot)] }
}
