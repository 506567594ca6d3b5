// Deflates what travels, where that makes it shorter, and inflates it: manifests, patch frames, seeds.

/// A piece of a byte string that is sent deflated: manifests, patch frames, seeds.
struct DeflatedPart: Equatable, Sendable {
    /// Bytes after inflation.
    var length: Int
    /// False: the bytes are as they are.
    var isDeflated: Bool
    var bytes: [UInt8]
}

extension DeflatedPart {
    /// Deflates bytes, unless they are shorter as they are. No deflater: they stay as they are.
    init(deflating bytes: [UInt8], by deflater: inout Deflater?) {
        var deflated: [UInt8] = []
        let isDeflated = bytes.withUnsafeBytes { deflater?.deflateIfWorth($0, into: &deflated) } ?? false
        if isDeflated && deflated.count < bytes.count {
            self.init(length: bytes.count, isDeflated: true, bytes: deflated)
        } else {
            self.init(length: bytes.count, isDeflated: false, bytes: bytes)
        }
    }

    /// The bytes as they were before they travelled; those that travelled as they are, without a copy.
    ///
    /// - Throws: as the inflater does, for what is not ``length`` bytes.
    func inflated(by inflater: inout Inflater) throws(SlotSyncError) -> [UInt8] {
        guard isDeflated else { return bytes }
        var inflated: [UInt8] = []
        try bytes.withUnsafeBufferPointer { (bytes) throws(SlotSyncError) in
            try inflater.inflate(UnsafeRawBufferPointer(bytes), into: &inflated, exactly: length)
        }
        return inflated
    }
}
