// Between two releases anything may become anything else under the same name, in any slot that is filled again.

import SystemPackage
import Testing

extension EndToEnd {
    @Suite("Kinds that change")
    struct KindChangeTests {
        @Test("every kind of entry can become every other, twice round the ring")
        func everyPair() async throws {
            try await Workbench.use { bench in
                let before = try bench.tree("before")
                let after = try bench.tree("after")
                for old in Kind.allCases {
                    for new in Kind.allCases {
                        try old.make(FilePath("\(old)-to-\(new)"), in: before, generation: 1)
                        try new.make(FilePath("\(old)-to-\(new)"), in: after, generation: 2)
                    }
                }
                let fleet = try Fleet(bench, slots: 3)
                for turn in 0..<6 {
                    let tree = turn % 2 == 0 ? before : after
                    // Else a slot that has the release already is used again.
                    try tree.file("turn", "\(turn)")
                    try await fleet.release(tree)
                    let difference = try await fleet.differences(tree, slot: turn % 3 + 1)
                    #expect(difference == "", "turn \(turn)")
                }
            }
        }
    }
}

private enum Kind: CaseIterable {
    case absent, emptyFile, smallFile, largeFile, emptyFolder, fullFolder, link, linkToFolder, dangling

    func make(_ name: FilePath, in tree: TreeMaker, generation: UInt64) throws {
        switch self {
        case .absent: break
        case .emptyFile: try tree.file(name, "")
        case .smallFile: try tree.file(name, "small \(generation)", mode: generation == 1 ? 0o644 : 0o755)
        case .largeFile: try tree.file(name, Content.random(200_000, seed: 7) + [UInt8(generation)])
        case .emptyFolder: try tree.folder(name, mode: generation == 1 ? 0o755 : 0o700)
        case .fullFolder:
            let folder = try tree.folder(name)
            try folder.file(FilePath("page-\(generation)"), "x")
            try folder.folder("inner").file("always", "y \(generation)")
            try folder.symlink("up", to: "..")
        case .link: try tree.symlink(name, to: "smallFile-to-smallFile")
        case .linkToFolder: try tree.symlink(name, to: "fullFolder-to-fullFolder")
        case .dangling: try tree.symlink(name, to: FilePath("nothing-\(generation)"))
        }
    }
}
