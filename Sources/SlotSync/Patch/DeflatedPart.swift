// Deflates what travels, where that makes it shorter: manifests and patch frames.

/// A piece of a byte string that is sent deflated: manifests and patch frames.
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
        let isDeflated = bytes.withUnsafeBytes { deflater?.deflate($0, into: &deflated) } != nil
        if isDeflated && deflated.count < bytes.count {
            self.init(length: bytes.count, isDeflated: true, bytes: deflated)
        } else {
            self.init(length: bytes.count, isDeflated: false, bytes: bytes)
        }
    }
}
