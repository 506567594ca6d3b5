// What differs between two trees, against a comparison by dictionary; and what a slot keeps.

import Testing

@testable import SlotSync

@Suite("Comparing trees")
struct SlotDifferencesTests {
    private struct Pair {
        var a: ReleaseModel
        var b: ReleaseModel
        var manifestA: Manifest
        var manifestB: Manifest

        init(seed: UInt64, hardLinks: Bool = false) throws {
            var random = SeededGenerator(seed: seed)
            let contents = [[], random.bytes(3), random.bytes(40)]
            let bench = try FillBench(slotCount: 2)
            a = .random(contents: contents, hardLinks: hardLinks, using: &random)
            b = .random(contents: contents, hardLinks: hardLinks, using: &random)
            // Most entries of two releases are the same.
            for (path, node) in a.nodes where b.nodes[path]?.kind == node.kind && random.below(3) > 0 {
                b.nodes[path] = node
            }
            for group in b.linkGroups { for path in group { b.nodes[path] = b.nodes[group[0]] } }
            manifestA = try bench.source(a, hardLinks: hardLinks).manifest
            manifestB = try bench.source(b, hardLinks: hardLinks).manifest
        }
    }

    private func path(_ manifest: Manifest, _ index: Int) -> String {
        String(decoding: manifest.path(of: index), as: UTF8.self)
    }

    @Test("each entry's twin stands at the same path", arguments: 0..<10 as Range<UInt64>)
    func twins(seed: UInt64) throws {
        let pair = try Pair(seed: seed)
        let twins = pair.manifestA.twins(in: pair.manifestB)
        for index in pair.manifestA.entries.indices {
            let path = path(pair.manifestA, index)
            let twin = twins[index] < 0 ? nil : self.path(pair.manifestB, Int(twins[index]))
            #expect(twin == (pair.b.nodes[path] == nil ? nil : path))
        }
    }

    @Test("all differences are found, and each once", arguments: 0..<10 as Range<UInt64>)
    func differences(seed: UInt64) throws {
        let pair = try Pair(seed: seed)
        let expected = Set(pair.a.nodes.keys).union(pair.b.nodes.keys).filter { path in
            guard let a = pair.a.nodes[path], let b = pair.b.nodes[path] else { return true }
            return a.kind != b.kind || a.mode != b.mode
        }
        let differences = SlotDifferences(between: pair.manifestA, and: pair.manifestB)
        #expect(differences.count == expected.count)
        let named = differences.named.map { String(decoding: $0.path, as: UTF8.self) }
        #expect(Set(named) == (expected.count <= SlotVerification.mostLines ? expected : Set(named)))
        #expect(SlotDifferences(between: pair.manifestA, and: pair.manifestA).count == 0)
    }

    @Test("a slot keeps what is the same, and lets go of the rest", arguments: 0..<16 as Range<UInt64>)
    func change(seed: UInt64) throws {
        let hardLinks = seed % 2 == 1
        let pair = try Pair(seed: seed, hardLinks: hardLinks)
        let change = SlotChange(from: pair.manifestA, to: pair.manifestB)
        func isLinkedAlike(_ path: String) -> Bool {
            let (a, b) = (pair.a.linkGroups.first { $0.contains(path) }, pair.b.linkGroups.first { $0.contains(path) })
            return a == b
        }
        var kept: Set<String> = []
        for index in change.kept.indices where change.kept[index] >= 0 {
            let path = path(pair.manifestB, index)
            kept.insert(path)
            #expect(self.path(pair.manifestA, Int(change.kept[index])) == path)
            #expect(pair.a.nodes[path]?.kind == pair.b.nodes[path]?.kind)
            #expect(isLinkedAlike(path))
        }
        for (path, node) in pair.b.nodes where node.kind == pair.a.nodes[path]?.kind && isLinkedAlike(path) {
            let group = pair.b.linkGroups.first { $0.contains(path) } ?? [path]
            let isWhole = group.allSatisfy { pair.a.nodes[$0]?.kind == node.kind }
            #expect(kept.contains(path) == isWhole, "\(path)")
        }
        let obsolete = change.obsolete.map { path(pair.manifestA, $0) }
        #expect(Set(obsolete) == Set(pair.a.nodes.keys).subtracting(kept))
        #expect(change.obsolete == change.obsolete.sorted())
    }
}
