// Which files of a slot are read when it is looked at. What others put there may be of any size, a hole of exabytes too, and is
// read only where its content matters: the release may have it, or it stands where a stage put a file of that size.

/// The files of a slot that are worth reading; a file that a record vouches for is not read anyway.
struct ReadingChoice: Sendable {
    /// What stages put there: a file of the same path and size may be another one.
    var compared: [Manifest]
    /// What is to be made of the slot: a file may have content of it, or be a basis.
    var target: Manifest?

    /// A basis may be so much longer than what is made from it, or have so many bytes.
    private static let longestBasis: (factor: UInt64, least: UInt64) = (4, 1 << 20)

    init(comparing compared: [Manifest], for target: Manifest? = nil) {
        self.compared = compared
        self.target = target
    }

    /// For each entry of a tree, whether its file is read.
    func files(of tree: WalkedTree) -> [Bool] {
        let found = tree.manifest
        var isRead = [Bool](repeating: false, count: found.count)
        for manifest in compared {
            for (index, twin) in found.twins(in: manifest).enumerated() where twin >= 0 {
                let expected = manifest.entries[Int(twin)]
                if expected.kind == .file, expected.size == found.entries[index].size { isRead[index] = true }
            }
        }
        if let target {
            let sizes = Set(target.entries.lazy.filter { $0.kind == .file }.map(\.size))
            for index in found.entries.indices where sizes.contains(found.entries[index].size) { isRead[index] = true }
            for (index, twin) in found.twins(in: target).enumerated() where twin >= 0 {
                let wanted = target.entries[Int(twin)]
                let (factor, least) = Self.longestBasis
                let longest = max(least, wanted.size.multipliedSaturated(by: factor))
                if wanted.kind == .file, found.entries[index].size <= longest { isRead[index] = true }
            }
        }
        // Names of one file have one digest.
        let identities = Set(
            isRead.indices.filter { isRead[$0] && tree.statuses[$0].links > 1 }.map { FileIdentity(tree.statuses[$0]) })
        for index in isRead.indices where tree.statuses[index].links > 1 {
            if identities.contains(FileIdentity(tree.statuses[index])) { isRead[index] = true }
        }
        return isRead
    }
}
