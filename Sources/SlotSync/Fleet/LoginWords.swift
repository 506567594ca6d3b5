// What ssh says when a login fails, in words: whether it is worth another try, and what a person can do. OpenSSH has
// one exit code for all of it. SessionEnd and InstallSession read them.

/// Reads the last words of ssh.
enum LoginWords {
    /// An sshd with too many logins under way (MaxStartups), or a firewall that counts them, closes the connection before
    /// anything else is said; so does one that is being restarted.
    private static let drops = [
        "Connection closed by", "Connection reset by", "during banner exchange", "Exceeded MaxStartups",
    ]
    /// What stands beside these and will be no different a second later.
    private static let refusals = [
        "Permission denied", "Host key verification failed", "IDENTIFICATION HAS CHANGED", "Could not resolve",
        "Name or service not known", "Connection refused", "No route to host", "ommand not found",
        "Too many authentication",
        "Unable to negotiate", "no matching", "onfiguration option", "Connection timed out; ",
    ]
    /// What ssh calls the other end of a ProxyCommand or a ProxyJump.
    private static let proxy = "UNKNOWN port 65535"
    /// What ssh says besides where nothing is wrong but that the connection was dropped.
    private static let usual = [
        "kex_exchange_identification", "ssh_exchange_identification", "Warning: Permanently added", "Connection to ",
        "Killed by signal", "ControlSocket", "mux_client", "debug", "** ",
    ]
    /// The key is not the one that is known. The words in capitals stand far above the end, these at it.
    private static let changes = ["IDENTIFICATION HAS CHANGED", "has changed and you have requested"]

    /// Whether the connection was closed before anybody looked at who logs in.
    ///
    /// ssh says the same of a ProxyCommand or a jump host that has failed, whatever for; but those have said why, in words of
    /// their own.
    static func tellOfDrop(_ said: String) -> Bool {
        holds(said, drops) && !holds(said, refusals)
            && said.split(separator: ";").map(\.trimmed).allSatisfy { line in
                line.isEmpty || holds(String(line), drops) || usual.contains { line.hasPrefix($0) }
                    || line.firstPlace(of: "Deprecated option") != nil
                    || line.firstPlace(of: "Unsupported option") != nil
            }
    }

    /// What to do about it, to be put behind ssh's words; empty where they say enough.
    ///
    /// - Parameter port: of the host, where one was given.
    static func advice(on said: String, port: Int?) -> String {
        let option = port.map { "-p \($0) " } ?? ""
        if holds(said, changes) {
            let name = port.map { "'[HOST]:\($0)'" } ?? "HOST"
            return
                "; the host's key is not the one that is known: the host was set up anew, or somebody stands in between, "
                + "and whoever logs in then logs in there. Compare the fingerprint that `ssh \(option)HOST` shows with those on "
                + "the host's own console (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`); only where they are the same "
                + "forget the old key: `ssh-keygen -R \(name)`"
        }
        if said.firstPlace(of: "was revoked and you have requested") != nil {
            return "; its key was revoked: ask whoever runs the host for a new one, and do not log in before"
        }
        if said.firstPlace(of: "Host key verification failed") != nil {
            return
                "; its key is not known here, and nobody can be asked: log in once by hand (`ssh \(option)HOST`) and compare "
                + "the fingerprint, or put what `ssh-keyscan \(option)HOST` prints into known_hosts"
        }
        if said.firstPlace(of: "Permission denied (") != nil {
            return
                "; nobody can be asked for a password or a passphrase: try `ssh \(option)-o BatchMode=yes HOST true`, and load "
                + "keys into ssh-agent"
        }
        if said.firstPlace(of: proxy) != nil, !tellOfDrop(said) {
            return
                "; the way there has failed, which ssh_config says as ProxyCommand or ProxyJump: try `ssh \(option)HOST true`"
        }
        return ""
    }

    private static func holds(_ text: String, _ words: [String]) -> Bool {
        words.contains { text.firstPlace(of: $0) != nil }
    }
}
