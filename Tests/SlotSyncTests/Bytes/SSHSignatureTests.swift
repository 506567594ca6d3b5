// Signatures of the real ssh-keygen, and what somebody might make of them. Where a signature is made by hand, ssh-keygen is the judge of
// whether it would count.

import CSodium
import SystemPackage
import Testing

@testable import SlotSync

/// A key that ssh-keygen made, and what it signs.
struct SigningKey {
    let folder: TemporaryFolder
    let key: SSHPublicKey

    init(in folder: TemporaryFolder, name: String = "key") throws {
        self.folder = folder
        try keygen(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder.path(name).string])
        guard
            case .signer(let signer) = AllowedSigner.read(
                String(decoding: try folder.read("\(name).pub"), as: UTF8.self)[...].trimmed)
        else { throw SlotSyncError(.system, "ssh-keygen made no key") }
        key = signer.key
    }

    static func sign(
        _ text: String, in folder: TemporaryFolder, name: String = "key", namespace: String = "slotsync",
        options: [String] = []
    ) throws -> [UInt8] {
        try folder.write(Array(text.utf8), to: "text")
        try? Directory(path: folder.path("")).remove("text.sig")
        try keygen(
            ["-q", "-Y", "sign", "-n", namespace, "-f", folder.path(name).string] + options + [
                folder.path("text").string
            ])
        return try folder.read("text.sig")
    }

    func sign(_ text: String, namespace: String = "slotsync", options: [String] = []) throws -> [UInt8] {
        try Self.sign(text, in: folder, namespace: namespace, options: options)
    }
}

/// Runs ssh-keygen; it has to succeed.
func keygen(_ words: [String], input: FilePath? = nil) throws {
    let nothing = try input.map { try FileDescriptor.open($0, .readOnly) } ?? SpawnedProcess.emptyInput()
    defer { try? nothing.close() }
    let output = try FileDescriptor.inMemory("output")
    defer { try? output.close() }
    let process = try SpawnedProcess(["ssh-keygen"] + words, input: nothing, output: output, errors: output)
    let end = process.wait { false }
    guard end == .exited(0) else { throw SlotSyncError(.system, "ssh-keygen \(words): \(String(describing: end))") }
}

@Suite("A signature in OpenSSH's form")
struct SSHSignatureTests {
    private static let text = "slotsync release 1\nid x\n"

    private func isGood(_ file: [UInt8], _ text: String = text, by key: SSHPublicKey) -> Bool {
        guard let signature = try? SSHSignature(file) else { return false }
        return signature.key == key && signature.isOf(text, namespace: "slotsync")
    }

    @Test("ssh-keygen's signature counts for its text, namespace and key alone, with either digest")
    func real() async throws {
        try await withFolder { folder in
            let key = try SigningKey(in: folder)
            let other = try SigningKey(in: folder, name: "other").key
            for options in [[], ["-O", "hashalg=sha256"], ["-O", "hashalg=sha512"]] {
                let file = try key.sign(Self.text, options: options)
                #expect(isGood(file, by: key.key))
                #expect(!isGood(file, Self.text + " ", by: key.key) && !isGood(file, "", by: key.key))
                #expect(!isGood(file, by: other))
            }
            #expect(try !isGood(key.sign(Self.text, namespace: "file"), by: key.key))
            #expect(try !isGood(key.sign(Self.text, namespace: "slotsync2"), by: key.key))
        }
    }

    @Test("a key of another kind is refused, as what it is")
    func otherKinds() async throws {
        try await withFolder { folder in
            for (type, bits) in [("rsa", "2048"), ("ecdsa", "256")] {
                try keygen(["-q", "-t", type, "-b", bits, "-N", "", "-f", folder.path(type).string])
                let file = try SigningKey.sign(Self.text, in: folder, name: type)
                #expect(errorMessage { _ = try SSHSignature(file) }.contains("Ed25519"))
            }
        }
    }

    @Test("cut short anywhere, longer, or with any bit of it changed, it counts no more, and nothing traps")
    func damaged() async throws {
        try await withFolder { folder in
            let key = try SigningKey(in: folder)
            let file = try key.sign(Self.text)
            for count in 0..<file.count - 1 { #expect(!isGood(Array(file.prefix(count)), by: key.key), "\(count)") }
            #expect(!isGood(file + Array("A".utf8), by: key.key))
            #expect(!isGood([UInt8](repeating: 0x41, count: SSHSignature.longestFile + 1), by: key.key))
            let blob = try #require(base64(lines(of: file).dropFirst().dropLast().joined()))
            for bit in 0..<blob.count * 8 {
                var changed = blob
                changed[bit / 8] ^= 1 << UInt8(bit % 8)
                #expect(!isGood(armored(changed), by: key.key), "bit \(bit)")
            }
            #expect(isGood(armored(blob), by: key.key))
            #expect(!isGood(armored(blob + [0]), by: key.key))
        }
    }

    @Test("a signature of a key in hardware counts, and only if somebody touched it; ssh-keygen has the last word")
    func hardware() async throws {
        try await withFolder { folder in
            var (point, secret) = ([UInt8](repeating: 0, count: 32), [UInt8](repeating: 0, count: 64))
            #expect(crypto_sign_ed25519_seed_keypair(&point, &secret, [UInt8](repeating: 7, count: 32)) == 0)
            let (type, application) = ("sk-ssh-ed25519@openssh.com", Array("ssh:".utf8))
            let blob = string(Array(type.utf8)) + string(point) + string(application)
            let key = try #require(SSHPublicKey(blob: blob))
            let message =
                Array("SSHSIG".utf8) + string(Array("slotsync".utf8)) + string([]) + string(Array("sha256".utf8))
                + string(SHA256Digest(of: Array(Self.text.utf8)).bytes)
            for flags: UInt8 in [1, 5, 0] {
                let end = [flags, 0, 0, 0, 9]
                let signed = SHA256Digest(of: application).bytes + end + SHA256Digest(of: message).bytes
                var raw = [UInt8](repeating: 0, count: 64)
                crypto_sign_ed25519_detached(&raw, nil, signed, UInt64(signed.count), secret)
                let file = armored(
                    Array("SSHSIG".utf8) + [0, 0, 0, 1] + string(blob) + string(Array("slotsync".utf8)) + string([])
                        + string(Array("sha256".utf8)) + string(string(Array(type.utf8)) + string(raw) + end))
                #expect(isGood(file, by: key) == (flags & 1 != 0))
                try folder.write(file, to: "sk.sig")
                try folder.write(Array(Self.text.utf8), to: "text")
                try folder.write(Array("somebody \(type) ".utf8) + encoded(blob) + [0x0a], to: "allowed")
                let judged = errorCode {
                    try keygen(
                        [
                            "-Y", "verify", "-n", "slotsync", "-I", "somebody", "-f", folder.path("allowed").string,
                            "-s",
                            folder.path("sk.sig").string,
                        ], input: folder.path("text"))
                }
                // It leaves the touch to whoever reads the flags.
                if flags & 1 != 0 { #expect(judged == nil) }
            }
        }
    }

    @Test("base64 has one form of some bytes")
    func base64Forms() {
        #expect(base64("QUJD".utf8) == [65, 66, 67] && base64("QUI=".utf8) == [65, 66] && base64("QQ==".utf8) == [65])
        for text in ["", "QUJ", "QUJ=Q", "QQ=", "QR==", "QUJ=", "Q===", "QU D", "QUJ\n", "====", "QQ==QQ=="] {
            #expect(base64(text.utf8) == nil, "\(text)")
        }
    }

    // MARK: By hand

    private func lines(of file: [UInt8]) -> [ArraySlice<UInt8>] { file.split(separator: 0x0a) }

    private func string(_ bytes: [UInt8]) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: bytes.count >> $0) } + bytes
    }

    private func encoded(_ bytes: [UInt8]) -> [UInt8] {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = (Array(group) + [0, 0]).prefix(3).reduce(0) { $0 << 8 | Int($1) }
            let all = [18, 12, 6, 0].map { digits[bits >> $0 & 63] }
            text += all.prefix(group.count + 1) + [UInt8](repeating: UInt8(ascii: "="), count: 3 - group.count)
        }
        return text
    }

    private func armored(_ blob: [UInt8]) -> [UInt8] {
        Array("-----BEGIN SSH SIGNATURE-----\n".utf8) + encoded(blob) + Array("\n-----END SSH SIGNATURE-----\n".utf8)
    }
}
