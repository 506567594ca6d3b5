// The remote command of `slotsync install`: a small shell script, with the folder and the version for its arguments. The
// controller's InstallSession sends it; an agent that sshd forces on a key knows by it what was asked for in its place.

/// What the remote command of an install says.
struct InstallCommand: Equatable, Sendable {
    /// Where the agent goes; empty: `.local/bin` below the home folder.
    var folder: String
    /// What the new agent has to say that it is.
    var version: String

    /// Begins every line that is meant for the controller. What else a host prints is of no concern.
    static let mark = "slotsync-install "
    private static let name = "slotsync-install"

    /// The script. One line, since csh takes no more in quotes.
    static let script = [
        #"dir="${1:-$HOME/.local/bin}""#, #"agent="$dir/slotsync-agent""#, #"tmp="$dir/.slotsync-agent.$$""#,
        // First an end for a line that a start-up file has left open.
        "echo", #"echo "\#(mark)machine $(uname -m)""#,
        #"echo "\#(mark)sum $({ cksum < "$agent"; } 2>/dev/null)""#,
        #"echo "\#(mark)has $("$agent" --version 2>/dev/null </dev/null)""#,
        #"read answer"#, #"test "$answer" = take || exit 0"#,
        #"mkdir -p "$dir" || exit 1"#,
        #"trap "rm -f \"\$tmp\"" EXIT"#, #"trap "exit 1" HUP INT TERM"#,
        #"gzip -dc > "$tmp" || exit 1"#, #"chmod 755 "$tmp" || exit 1"#,
        #"new="$("$tmp" --version </dev/null)" || exit 1"#,
        #"case "$new" in "$2"|*" $2") ;; *) echo "it says it is version $new, not $2" >&2; exit 1 ;; esac"#,
        // A power cut must not leave the name on an empty file. Older systems sync everything or nothing.
        #"sync "$tmp" 2>/dev/null || sync"#, #"mv -f "$tmp" "$agent" || exit 1"#,
        #"sync "$dir" 2>/dev/null || sync"#,
        #"echo "\#(mark)done $agent""#,
    ].joined(separator: "; ")

    /// The words that run it.
    var words: [String] { ["sh", "-c", Self.script, Self.name, folder, version] }

    /// The command as it goes to whatever shell the login has.
    var text: String {
        (["exec"] + words).enumerated().map { $0 < 3 ? $1 : ShellWords.quoted($1) }.joined(separator: " ")
    }

    /// Whether a remote command is an install's, of whatever version.
    static func isMeant(by text: String) -> Bool {
        text.hasPrefix("exec sh -c ") && text.firstPlace(of: " \(name) ") != nil
    }

    init(folder: String, version: String) {
        self.folder = folder
        self.version = version
    }

    /// Reads what ``text`` has written; nil where the script is another one.
    init?(_ text: String) {
        guard let words = ShellWords.unquoted(text), words.count == 7, words[0] == "exec", words[1] == "sh",
            words[2] == "-c", words[3] == Self.script, words[4] == Self.name
        else { return nil }
        self.init(folder: words[5], version: words[6])
    }
}
