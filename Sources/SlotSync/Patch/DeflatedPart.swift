// Deflating what travels, where that makes it shorter: manifests and patch frames.

extension DeflatedPart {
    /// Deflates bytes, unless they are shorter as they are. No deflater: they stay as they are.
    init(deflating bytes: [UInt8], by deflater: inout Deflater?) {
        var deflated: [UInt8] = []
        let isDeflated = bytes.withUnsafeBytes { deflater?.deflate($0, into: &deflated) } != nil
        if isDeflated && deflated.count < bytes.count {
            self.init(length: bytes.count, isDeflated: true, bytes: deflated)
        } else {
            self.init(length: bytes.count, isDeflated: false, bytes: bytes)
        }
    }
}
