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

    /// Whether the connection was closed before anybody looked at who logs in.
    static func tellOfDrop(_ said: String) -> Bool {
        drops.contains { said.firstPlace(of: $0) != nil } && !refusals.contains { said.firstPlace(of: $0) != nil }
    }

    /// What to do about it, to be put behind ssh's words; empty where they say enough.
    static func advice(on said: String) -> String {
        if said.firstPlace(of: "IDENTIFICATION HAS CHANGED") != nil {
            return
                "; find out why the host has another key; if that is right, forget the old one with `ssh-keygen -R HOST`"
        }
        if said.firstPlace(of: "Host key verification failed") != nil {
            return
                "; its key is not known here, and nobody can be asked: log in once by hand (`ssh HOST`), or put what "
                + "`ssh-keyscan HOST` prints into known_hosts"
        }
        if said.firstPlace(of: "Permission denied (") != nil {
            return
                "; nobody can be asked for a password or a passphrase: try `ssh -o BatchMode=yes HOST true`, and load keys "
                + "into ssh-agent"
        }
        return ""
    }
}
