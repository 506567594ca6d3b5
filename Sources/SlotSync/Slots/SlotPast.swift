// Knows what a slot held when it was last filled: by its record, and where a stage was interrupted by a note that this
// stage left beside the record. Without that, what the interrupted stage made would pass for somebody's own.

import SystemPackage

/// What a slot held when it was last filled, as far as that is known.
enum SlotPast {
    /// Nothing: no stage has begun there.
    case empty
    /// It was sealed with this.
    case sealed(Manifest)
    /// A stage was interrupted: what it was to make, and what it found of stages before it, as far as that is known.
    case interrupted(Manifest, before: [Manifest])
    /// It was filled, but what says with what is damaged.
    case unknown

    /// Whether what was filled in may have extended attributes of a release.
    var hasExtendedAttributes: Bool { manifests.contains { $0.hasExtendedAttributes } }

    /// What stages put there, as far as it is known.
    var manifests: [Manifest] {
        switch self {
        case .empty, .unknown: []
        case .sealed(let manifest): [manifest]
        case .interrupted(let target, let before): [target] + before
        }
    }
}

extension Ring {
    /// No note is larger; bounds what is read.
    private static let largestNote = 4 << 30

    func noteName(_ slot: Int) -> String { "\(slot).staging" }

    /// - Parameter record: the slot's record, where it is sealed.
    func past(of slot: Int, record: SlotRecord?) -> SlotPast {
        switch status[slot].state {
        case .empty: return .empty
        case .staging:
            guard let noted = try? stagingNote(of: slot), let target = noted.first else { return .unknown }
            let sealed = (try? recorded("\(slot)", atMost: SlotRecord.largestFile)).flatMap { bytes in
                try? SlotRecord(decoding: bytes, name: "the record of slot \(slot)").manifest
            }
            return .interrupted(target, before: Array(noted.dropFirst()) + (sealed.map { [$0] } ?? []))
        case .ready, .live, .retired, .bad: return record.map { .sealed($0.manifest) } ?? .unknown
        }
    }

    /// Nil where there is none.
    private func stagingNote(of slot: Int) throws -> [Manifest]? {
        guard let bytes = try recorded(noteName(slot), atMost: Self.largestNote), bytes.count >= 16 else {
            return nil
        }
        let name = "the note of slot \(slot)"
        let sum = bytes.withUnsafeBytes { ContentDigest(of: UnsafeRawBufferPointer(rebasing: $0.dropLast(16))) }
        var trailer = ByteReader(bytes, in: bytes.count - 16..<bytes.count, name: name)
        guard try trailer.digest() == sum else { throw trailer.corrupt("its checksum is wrong") }
        var reader = ByteReader(bytes, in: 0..<bytes.count - 16, name: name)
        var manifests: [Manifest] = []
        while !reader.isAtEnd { manifests.append(try Manifest(from: &reader)) }
        return manifests
    }

    /// Notes what a stage is about to make of a slot, durably, before it changes anything.
    ///
    /// - Parameter ours: what the slot holds of stages that were interrupted before; nil: the record tells.
    func noteStaging(_ target: Manifest, over ours: Manifest?, in slot: Int) throws {
        var bytes = target.encoded()
        if let ours { bytes += ours.encoded() }
        var writer = ByteWriter(reserving: 16)
        writer.append(ContentDigest(of: bytes))
        try records.replaceContents(of: noteName(slot), by: bytes + writer.bytes, adopting: owner.adopt)
    }

    /// Forgets the note: the slot is sealed, and its record tells.
    func forgetStaging(in slot: Int) { try? removeStagingNote(of: slot) }

    func removeStagingNote(of slot: Int) throws(Errno) { try records.remove(noteName(slot)) }
}
