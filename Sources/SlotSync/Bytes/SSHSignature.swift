// A signature as `ssh-keygen -Y sign` writes it (OpenSSH's PROTOCOL.sshsig), checked without OpenSSH: an agent has nothing else of
// the host. Ed25519 keys alone, those of hardware too. All lengths are bounded, and nothing may stand behind what is read.

import CSodium

/// Whoever may sign: an Ed25519 key, as it stands in a public key's file.
struct SSHPublicKey: Hashable, Sendable {
    /// `ssh-ed25519`, or `sk-ssh-ed25519@openssh.com` for a key that is in hardware.
    let type: String
    /// RFC 4253's form of the key.
    let blob: [UInt8]
    fileprivate let point: [UInt8]
    /// What the hardware calls its purpose; nil: it is no such key.
    fileprivate let application: [UInt8]?

    static let types = ["ssh-ed25519", "sk-ssh-ed25519@openssh.com"]
    /// How long a key's form may be.
    static let longestBlob = 1024

    /// Nil where this is no such key, or bytes are left.
    init?(blob: [UInt8]) {
        guard blob.count <= Self.longestBlob else { return nil }
        var reader = SSHReader(blob)
        guard let type = reader.string().map({ String(decoding: $0, as: UTF8.self) }), Self.types.contains(type),
            let point = reader.string(), point.count == Int(crypto_sign_ed25519_PUBLICKEYBYTES)
        else { return nil }
        var application: [UInt8]?
        if type != "ssh-ed25519" {
            guard let text = reader.string() else { return nil }
            application = text
        }
        guard reader.isAtEnd else { return nil }
        (self.type, self.blob, self.point, self.application) = (type, blob, point, application)
    }

    /// Whether this key made `signature` of `message`.
    ///
    /// - Parameter signature: the form that the key's type has for one.
    fileprivate func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        var reader = SSHReader(signature)
        guard let kind = reader.string(), kind.elementsEqual(type.utf8), let raw = reader.string(),
            raw.count == Int(crypto_sign_ed25519_BYTES)
        else { return false }
        var signed = message
        if let application {
            guard let flags = reader.take(1), let counter = reader.take(4), flags[0] & 1 != 0 else { return false }
            // What the hardware signs (PROTOCOL.u2f); the low bit says that somebody was there and touched it.
            signed = SHA256Digest(of: application).bytes + flags + counter + SHA256Digest(of: message).bytes
        }
        guard reader.isAtEnd else { return false }
        return crypto_sign_ed25519_verify_detached(raw, signed, UInt64(signed.count), point) == 0
    }
}

/// A signature that was read and not checked yet.
struct SSHSignature: Sendable {
    /// Who says to have made it.
    let key: SSHPublicKey
    private let namespace: [UInt8]
    private let reserved: [UInt8]
    private let hash: Hash
    private let signature: [UInt8]

    private enum Hash: String {
        case sha256, sha512
    }

    /// A signature's file is no longer, in bytes.
    static let longestFile = 8 << 10

    private static let begin = "-----BEGIN SSH SIGNATURE-----"
    private static let end = "-----END SSH SIGNATURE-----"
    private static let magic = Array("SSHSIG".utf8)

    /// Reads a signature's file.
    ///
    /// - Throws: ``SlotSyncError`` with the code `refused`: it is none, or of a kind that is not known here.
    init(_ file: [UInt8]) throws(SlotSyncError) {
        func wrong(_ why: String) -> SlotSyncError {
            SlotSyncError(.refused, "the signature \(why): make one with `slotsync sign`")
        }
        guard file.count <= Self.longestFile else { throw wrong("is longer than \(Self.longestFile) bytes") }
        var lines = file.split(separator: 0x0a, omittingEmptySubsequences: false).map {
            $0.last == 0x0d ? $0.dropLast() : $0
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        guard lines.count > 2, lines[0].elementsEqual(Self.begin.utf8),
            lines[lines.count - 1].elementsEqual(Self.end.utf8),
            let blob = base64(lines[1..<(lines.count - 1)].joined())
        else { throw wrong("is not in OpenSSH's form") }
        var reader = SSHReader(blob)
        guard let magic = reader.take(Self.magic.count), magic == Self.magic, let version = reader.number() else {
            throw wrong("is not in OpenSSH's form")
        }
        guard version == 1 else { throw wrong("is of version \(version), where 1 is known") }
        guard let keyBlob = reader.string(), let namespace = reader.string(), let reserved = reader.string(),
            let hash = reader.string(), let signature = reader.string(), reader.isAtEnd
        else { throw wrong("is cut short, or longer than it says") }
        guard let key = SSHPublicKey(blob: keyBlob) else {
            throw wrong("is of another kind of key than Ed25519, which alone is known here")
        }
        guard let known = Hash(rawValue: String(decoding: hash, as: UTF8.self)) else {
            throw wrong("is by \(quoted(String(decoding: hash, as: UTF8.self))), where sha256 and sha512 are known")
        }
        (self.key, self.namespace, self.reserved, self.signature) = (key, namespace, reserved, signature)
        self.hash = known
    }

    /// Whether its key made it, of this text, for this purpose.
    func isOf(_ text: String, namespace: String) -> Bool {
        guard self.namespace.elementsEqual(namespace.utf8) else { return false }
        var message = Self.magic
        for part in [self.namespace, reserved, Array(hash.rawValue.utf8), digest(of: Array(text.utf8))] {
            message += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: part.count >> $0) } + part
        }
        return key.verifies(signature, of: message)
    }

    private func digest(of bytes: [UInt8]) -> [UInt8] {
        guard hash == .sha512 else { return SHA256Digest(of: bytes).bytes }
        var digest = [UInt8](repeating: 0, count: Int(crypto_hash_sha512_BYTES))
        crypto_hash_sha512(&digest, bytes, UInt64(bytes.count))
        return digest
    }
}

/// A cursor over SSH's binary form (RFC 4251): nil where there is less than is asked for.
private struct SSHReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func take(_ count: Int) -> [UInt8]? {
        guard rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    mutating func number() -> UInt32? { take(4)?.reduce(0) { $0 << 8 | UInt32($1) } }

    mutating func string() -> [UInt8]? { number().flatMap { take(Int($0)) } }
}

/// The bytes that standard base64 with its padding (RFC 4648) stands for; nil for anything else.
func base64(_ text: some Sequence<UInt8>) -> [UInt8]? {
    let text = Array(text)
    guard text.count % 4 == 0, !text.isEmpty else { return nil }
    let padding = text.reversed().prefix { $0 == UInt8(ascii: "=") }.count
    guard padding <= 2 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 4 * 3)
    var (bits, count) = (UInt32(0), 0)
    for byte in text.dropLast(padding) {
        let value: UInt8
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = byte - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): value = byte - 71
        case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte + 4
        case UInt8(ascii: "+"): value = 62
        case UInt8(ascii: "/"): value = 63
        default: return nil
        }
        bits = bits << 6 | UInt32(value)
        count += 6
        if count >= 8 {
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
    }
    // What is left over has to be zero, so that there is one form of some bytes.
    return bits & (1 << UInt32(count) - 1) == 0 ? bytes : nil
}
