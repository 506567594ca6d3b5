// An inventory of Ansible's in place of a hosts file: recognised, so that whoever has one is told how to make a list of it.
// It is not read: groups, variables and plugins decide there what its hosts are. HostList asks.

enum AnsibleInventory {
    /// What to say of a file that is no list of hosts but an inventory; nil: it does not look like one.
    static func advice(on text: String, file: String) -> String? {
        let lines = text.split(whereSeparator: \.isNewline).map(\.trimmed).filter { line in
            !line.isEmpty && line.first != "#" && line.first != ";"
        }
        let name = ShellWords.quoted(file)
        if lines.first?.first == "{", text.firstPlace(of: "\"_meta\"") != nil {
            return "this is what `ansible-inventory --list` prints, not a list of hosts; make a list of it, such as by "
                + "`jq -r '[.[].hosts? // [] | .[]] | unique[]' \(name) > slotsync-hosts.txt`"
        }
        guard isINI(lines) || isYAML(lines) || isJSON(lines) else { return nil }
        return "this is an inventory of Ansible's, not a list of hosts; make a list of it in another file, such as by "
            + "`ansible-inventory -i \(name) --list | jq -r '[.[].hosts? // [] | .[]] | unique[]' > slotsync-hosts.txt`, or of "
            + "one group by `… | jq -r '.web.hosts[]'`"
    }

    /// `[web]`, `[all:vars]`, or `web1 ansible_host=10.0.0.1`.
    private static func isINI(_ lines: [Substring]) -> Bool {
        lines.contains { line in
            if line.first == "[", line.last == "]" {
                let group = line.dropFirst().dropLast()
                // What stands alone on its line in brackets and is no address is a group, unless it is a range of numbers.
                return !Host.isIPv6(group) && (isNumberAlone(line) || !group.allSatisfy { "0123456789-,".contains($0) })
            }
            return line.split(separator: " ").dropFirst().contains { $0.contains("=") }
        }
    }

    /// `[2024]`: as a range it would be the one host 2024, and nobody writes that so.
    static func isNumberAlone(_ line: Substring) -> Bool {
        line.first == "[" && line.last == "]" && line.count > 2
            && line.dropFirst().dropLast().allSatisfy { "0123456789".contains($0) }
    }

    /// An object, as whoever generates inventories writes it.
    private static func isJSON(_ lines: [Substring]) -> Bool { lines.first?.first == "{" }

    /// A key `hosts:` or `children:`, as groups have it.
    private static func isYAML(_ lines: [Substring]) -> Bool {
        lines.contains { $0 == "hosts:" || $0 == "children:" }
    }
}
