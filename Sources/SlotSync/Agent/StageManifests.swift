// The manifests that a stage begins with: that of the release, and that of what the source has at shared paths. AgentStage
// receives them before it changes anything.

extension AgentSession {
    /// Receives the manifest, and that of what the source has at shared paths; nil if the host lacks the record that
    /// stands in for the manifest, or that it is a difference from.
    func receiveManifests(_ request: StageRequest, _ records: SlotRecords?) throws -> (Manifest, Manifest)? {
        var inflater = Inflater()
        let bytes = try receiveManifestBytes(request.manifestLength, &inflater)
        let seedBytes = try receiveManifestBytes(request.seedsLength, &inflater)
        var seeds = Manifest(rootMode: 0o755)
        if !seedBytes.isEmpty {
            var reader = ByteReader(seedBytes, name: "the manifest of shared paths")
            seeds = try Manifest(from: &reader)
            try reader.expectEnd()
            try seeds.checkContents()
        }
        // The controller saw in our greeting that we have this release.
        guard request.manifestLength > 0 else {
            return (records?.record(of: request.release.id)?.manifest).map { ($0, seeds) }
        }
        var base: Manifest?
        if let id = request.base {
            guard let record = records?.record(of: id) else { return nil }
            base = record.manifest
        }
        var reader = ByteReader(bytes, name: "the manifest")
        let manifest = try Manifest(from: &reader, against: base)
        try reader.expectEnd()
        try manifest.checkContents()
        return (manifest, seeds)
    }

    private func receiveManifestBytes(_ length: Int, _ inflater: inout Inflater) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < length {
            guard case .manifest(let part)? = try receive() else { throw unexpected("no whole manifest") }
            guard part.length > 0, part.length <= length - bytes.count else {
                throw unexpected("a manifest of another length than announced")
            }
            bytes += try part.inflated(by: &inflater)
        }
        return bytes
    }
}
