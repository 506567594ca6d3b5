// What the user's ssh_config says of a host, as `ssh -G` prints it, and what has to be said against it: a session is
// lost where it starts another command, a tunnel or a terminal. Everything else stays as the user has it. Only what is
// set wrongly is corrected, so that no ssh meets an option that it does not know. Transport asks for it.

/// The settings of one host in ssh_config.
struct SSHSettings: Sendable, Equatable {
    /// Keys in lower case, as they are printed; of a key that is printed several times the first.
    private var values: [String: String] = [:]

    /// Much more than ssh prints.
    static let longest = 1 << 20

    /// Reads what `ssh -G` printed: `key value`, one a line.
    init(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            guard let space = line.firstIndex(of: " ") else { continue }
            let key = line[..<space].lowercased()
            if values[key] == nil { values[key] = String(line[line.index(after: space)...]) }
        }
    }

    /// What a session needs, whatever ssh_config says; every ssh since OpenSSH 4.3 knows these. A terminal would change
    /// bytes, a local command would print into the session, a forwarded port can be had by one session alone.
    static let always = [
        "-T", "-x", "-o", "BatchMode=yes", "-o", "ClearAllForwardings=yes", "-o", "PermitLocalCommand=no", "-o",
        "Tunnel=no",
        "-o", "EscapeChar=none",
    ]

    /// What breaks a session unless it has one of these values, and the option that puts it right.
    private static let needed: [(key: String, harmless: Set<String>, option: String)] = [
        ("remotecommand", ["none"], "RemoteCommand=none"),
        ("stdinnull", ["no", "false"], "StdinNull=no"),
        ("forkafterauthentication", ["no", "false"], "ForkAfterAuthentication=no"),
        ("sessiontype", ["default"], "SessionType=default"),
    ]

    /// The options, in front of the host, that make a session with this host possible.
    ///
    /// - Parameter timeout: how long the login may take.
    func options(timeout: Duration) -> [String] {
        var options = Self.always
        for (key, harmless, option) in Self.needed {
            if let value = values[key], !harmless.contains(value.lowercased()) { options += ["-o", option] }
        }
        // Why a login failed is what people and retries go by.
        if let level = values["loglevel"], !Self.tellsWhy(level.lowercased()) {
            options += ["-o", "LogLevel=ERROR"]
        }
        if values["connecttimeout"].flatMap({ Int($0) }) == nil {
            options += ["-o", "ConnectTimeout=\(Self.connectTimeout(within: timeout))"]
        }
        return options
    }

    /// A host that ssh logs in to on the way to another one.
    struct Jump: Equatable {
        var name: String
        var user: String?
        var port: String?

        /// Reads `user@name:port`, where a name with brackets is whatever stands in them.
        init?(_ text: Substring) {
            let at = text.lastIndex(of: "@")
            user = at.map { String(text[..<$0]) }
            let place = at.map { text[text.index(after: $0)...] } ?? text
            let isBracketed = place.first == "["
            name = String(place.dropFirst(isBracketed ? 1 : 0).prefix { $0 != (isBracketed ? "]" : ":") })
            let port = place.lastIndex(of: ":").map { place[place.index(after: $0)...] } ?? ""
            self.port = !port.isEmpty && port.allSatisfy(\.isNumber) ? String(port) : nil
            if name.isEmpty { return nil }
        }

        /// What `ssh -G` is given for it.
        var destination: [String] {
            (port.map { ["-p", $0] } ?? []) + ["--", (user.map { "\($0)@" } ?? "") + name]
        }
    }

    /// The host about which ssh asks ssh_config next, on the way to this one; nil: none. Of several hops that is the first; the
    /// others are given theirs.
    var firstJump: Jump? {
        if let jumps = values["proxyjump"], jumps != "none" {
            return jumps.split(separator: ",").first.flatMap(Jump.init)
        }
        guard let command = values["proxycommand"], var words = try? ShellWords.split(command, option: "") else {
            return nil
        }
        if words.first == "exec" { words.removeFirst() }
        guard let program = words.first?.split(separator: "/").last, program == "ssh" else { return nil }
        var rest = words.dropFirst()
        while let word = rest.popFirst() {
            guard word.first == "-", word != "-" else { return Jump(word[...]) }
            guard word != "--" else { return rest.first.flatMap { Jump($0[...]) } }
            // What overrides ssh_config may lead elsewhere.
            guard let letter = word.dropFirst().first, !"FJo".contains(letter) else { return nil }
            if Self.withValue.contains(letter), word.count == 2 { _ = rest.popFirst() }
        }
        return nil
    }

    /// Options of ssh that have a value.
    private static let withValue = "BbcDEeIiLlmOpQRSWw"

    /// Whether errors are printed at a level. ssh has other names for levels below that than ssh_config: QUIET is SILENT.
    private static func tellsWhy(_ level: String) -> Bool {
        ["error", "info", "verbose"].contains(level) || level.hasPrefix("debug")
    }

    /// In seconds. A host whose first address is dead is reached by its second or third before the timeout is over; a
    /// login that takes a moment is not cut off by a short one.
    static func connectTimeout(within timeout: Duration) -> Int {
        let seconds = max(1, Int(clamping: timeout.components.seconds))
        return min(seconds, max(2, seconds / 3))
    }
}
