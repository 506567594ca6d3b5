// Who may sign, in OpenSSH's own form: ssh-keygen is asked what each line means, and the host has to agree.

import SystemPackage
import Testing

@testable import SlotSync

@Suite("An allowed signer")
struct AllowedSignerTests {
    private func counts(_ line: String, at seconds: Int64 = 0) -> Bool {
        guard case .signer(let signer) = AllowedSigner.read(line[...]) else { return false }
        return signer.isValid(at: seconds)
    }

    private func isWrong(_ line: String) -> Bool {
        if case .wrong = AllowedSigner.read(line[...]) { true } else { false }
    }

    @Test("each line counts when ssh-keygen lets it count")
    func judged() async throws {
        try await withFolder { folder in
            _ = try SigningKey(in: folder)
            let key = String(decoding: try folder.read("key.pub"), as: UTF8.self)[...].trimmed
            let signature = try SigningKey.sign("text", in: folder)
            try folder.write(signature, to: "kept.sig")
            // The moment at which it is judged, as ssh-keygen is told it, and in seconds.
            let (now, seconds) = ("20270115120000Z", Int64(1_800_014_400))
            for options in [
                "", "namespaces=\"slotsync\"", "namespaces=\"git,slotsync\"", "namespaces=\"git\"",
                "namespaces=\"slot*\"",
                "namespaces=\"s?otsync\"", "namespaces=\"slot?\"", "namespaces=\"*,!slotsync\"",
                "namespaces=\"!git,*\"",
                "NAMESPACES=\"slotsync\"", "cert-authority", "valid-after=\"20270115Z\"", "valid-after=\"20270116Z\"",
                "valid-after=\"202701151200Z\"", "valid-after=\"20270115120001Z\"", "valid-before=\"20270115Z\"",
                "valid-before=\"20270115120000Z\"", "valid-before=\"20270115115959Z\"", "valid-before=\"20270114\"",
                "valid-after=\"20270117\"", "valid-before=\"20270117\",valid-after=\"20270113\"",
                "namespaces=\"slotsync\",valid-before=\"20280101\"", "valid-before=\"20271331\"",
                "valid-before=\"tomorrow\"",
                "valid-before=\"20200101\",valid-before=\"20280101\"", "valid-before=20280101", "no-touch-required",
                "namespaces=\"slotsync",
            ] {
                let line = "me@example.com \(options)\(options.isEmpty ? "" : " ")\(key)"
                try folder.write(Array("\(line)\n".utf8), to: "allowed")
                let judged = errorCode {
                    try keygen(
                        [
                            "-Y", "verify", "-n", "slotsync", "-I", "me@example.com", "-O", "verify-time=\(now)", "-f",
                            folder.path("allowed").string, "-s", folder.path("kept.sig").string,
                        ], input: folder.path("text"))
                }
                #expect(counts(line, at: seconds) == (judged == nil), "\(options)")
            }
        }
    }

    @Test(
        "keys are read from .pub files and allowed signers; what is not understood is an error, what is for others is not"
    )
    func lines() throws {
        let blob = "AAAAC3NzaC1lZDI1NTE5AAAAIAMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD"
        for line in [
            "ssh-ed25519 \(blob)", "ssh-ed25519 \(blob) release@build", "me@x ssh-ed25519 \(blob)",
            "me,you namespaces=\"slotsync\" ssh-ed25519 \(blob) c", "\"me too\" ssh-ed25519 \(blob)",
        ] {
            #expect(counts(line), "\(line)")
        }
        for line in [
            "", "ssh-ed25519", blob, "ssh-ed25519 \(blob.dropLast(4))", "ssh-ed25519 \(blob)AAAA", "ssh-rsa nonsense!",
            "sk-ssh-ed25519@openssh.com \(blob)", "me namespaces=\"\" ssh-ed25519 \(blob)",
            "me valid-before=\"20270230\" ssh-ed25519 \(blob)", "me valid-before=\"202701012500\" ssh-ed25519 \(blob)",
            "me verify-required ssh-ed25519 \(blob)", "me namespaces=\"slotsync ssh-ed25519 \(blob)",
            // Options of a line without principals would let more count than root wrote.
            "valid-before=\"20200101Z\" ssh-ed25519 \(blob)", "namespaces=\"git\" ssh-ed25519 \(blob)",
            "cert-authority ssh-ed25519 \(blob)", "restrict,expiry-time=\"20200101\" ssh-ed25519 \(blob)",
            "no-pty ssh-ed25519 \(blob)", "!* ssh-ed25519 \(blob)",
            "cert-authority namespaces=\"slotsync\" ssh-ed25519 \(blob)",
        ] {
            #expect(isWrong(line), "\(line)")
        }
        for line in [
            "ssh-rsa AAAA", "me namespaces=\"git\" ssh-ed25519 \(blob)", "me cert-authority ssh-ed25519 \(blob)",
        ] {
            #expect(AllowedSigner.read(line[...]) == .ofNoUse, "\(line)")
        }
    }

    @Test("a file for other purposes alone is refused, and so is one with a line that is not understood, by its number")
    func files() async throws {
        try await withFolder { folder in
            let path = folder.path("keys")
            try folder.write(Array("# nobody\nssh-rsa AAAA\n".utf8), to: "keys")
            #expect(errorMessage { _ = try Signers(file: path) }.contains("no Ed25519 key"))
            try folder.write(Array("\nssh-ed25519 AAAA\n".utf8), to: "keys")
            #expect(errorMessage { _ = try Signers(file: path) }.contains("line 2"))
            let keys = ["AwMD", "BAQE"].map {
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + String(repeating: $0, count: 10) + "\($0.prefix(3))"
            }
            try folder.write(Array(keys.joined(separator: "\n").utf8), to: "keys")
            let unix = try Signers(file: path)
            try folder.write(Array((keys.joined(separator: "\r\n") + "\r\n").utf8), to: "keys")
            #expect(try Signers(file: path) == unix)
            try folder.write([UInt8](repeating: 0x23, count: (64 << 10) + 1), to: "keys")
            #expect(errorCode { _ = try Signers(file: path) } == .badInput)
        }
    }
}
