// An inventory of Ansible's in place of a hosts file: recognised, so that whoever has one is told how to make a list of it.
// It is not read: groups, variables and plugins decide there what its hosts are. HostList asks.

enum AnsibleInventory {
    /// What to say of a file that is no list of hosts but an inventory; nil: it does not look like one.
    static func advice(on text: String, file: String) -> String? {
        let lines = text.split(whereSeparator: \.isNewline).map(\.trimmed).filter { line in
            !line.isEmpty && line.first != "#" && line.first != ";"
        }
        guard isINI(lines) || isYAML(lines) else { return nil }
        let name = ShellWords.quoted(file)
        return "this is an inventory of Ansible's, not a list of hosts; make a list of it in another file, such as by "
            + "`ansible-inventory -i \(name) --list | jq -r '[.[].hosts? // [] | .[]] | unique[]' > slotsync-hosts.txt`, or of "
            + "one group by `… | jq -r '.web.hosts[]'`"
    }

    /// `[web]`, `[all:vars]`, or `web1 ansible_host=10.0.0.1`.
    private static func isINI(_ lines: [Substring]) -> Bool {
        lines.contains { line in
            if line.first == "[", line.last == "]" {
                // A range in brackets has digits, an address colons and hexadecimal ones.
                let group = line.dropFirst().dropLast()
                return group.unicodeScalars.contains {
                    ("g"..."z").contains($0) || ("G"..."Z").contains($0) || $0 == "_"
                }
                    || group.unicodeScalars.allSatisfy { $0.properties.isAlphabetic }
            }
            return line.split(separator: " ").dropFirst().contains { $0.contains("=") }
        }
    }

    /// A key `hosts:` or `children:`, as groups have it.
    private static func isYAML(_ lines: [Substring]) -> Bool {
        lines.contains { $0 == "hosts:" || $0 == "children:" }
    }
}
