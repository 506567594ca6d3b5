// Manifests on their way to hosts: made once for all that can share one, and never on the fleet's queue.

import Testing

@testable import SlotSync

@Suite("Spooled manifests", .timeLimit(.minutes(1)))
@FleetActor
struct SpooledManifestsTests {
    private let old = Manifest(rootMode: 0o755)
    private let new = Manifest(rootMode: 0o700)

    private func withManifests(_ body: @FleetActor (SpooledManifests) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let archive = try #require(ManifestArchive(in: folder.path("caches")))
        try archive.store(old, id: old.id)
        try await body(SpooledManifests(of: new, in: Spool(), archive: archive, level: 6))
    }

    @Test("hosts with the same release live share one, also if they ask at the same time")
    func shared() async throws {
        try await withManifests { manifests in
            async let first = manifests.manifest(against: old.id)
            async let second = manifests.manifest(against: old.id)
            let (one, other) = try await (first, second)
            #expect(one.base == old.id && one.range == other.range)
            #expect(try await manifests.manifest(against: nil).range != one.range)
        }
    }

    @Test("a host whose release is not known gets the whole one")
    func unknown() async throws {
        try await withManifests { manifests in
            let unknown = try await manifests.manifest(against: ContentDigest(high: 1, low: 1))
            let whole = try await manifests.manifest(against: nil)
            #expect(unknown.base == nil && unknown.range == whole.range)
        }
    }

    @Test("the fleet goes on while one is made")
    func away() async throws {
        try await withManifests { manifests in
            var course: [String] = []
            // The actor's queue is first in, first out: what waits there runs before what comes back from elsewhere.
            FleetActor.queue.async { FleetActor.assumeIsolated { course.append("meanwhile") } }
            _ = try await manifests.manifest(against: nil)
            course.append("made")
            #expect(course == ["meanwhile", "made"])
        }
    }
}
