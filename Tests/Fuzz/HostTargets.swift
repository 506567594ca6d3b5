// Lists of hosts, what may be mistaken for one, and what ssh prints: text of an operator's, or of whoever writes the file that an
// operator names.

@testable import SlotSync

let hostTargets = [
    FuzzTarget(
        name: "hosts",
        words: ["[001-120]", ".example.com", "root@", ":2222", "[::1]", "fe80::1%eth0", "!", "#", ",", "://"]
    ) {
        [
            "web[001-012,07].dc[1-2].example.com,root@db1:2222,[2001:db8::7]:22,!web007.dc1.example.com\n",
            "# none\n\nweb1 , web2\r\n",
            "bücher.example,fe80::1%eth0\n",
        ].map { Array($0.utf8) }
    } run: { bytes in
        let hosts = accepted { () throws(SlotSyncError) in try HostList.parse(fileContents: bytes, name: "hosts.txt") }
        // The advice is asked for what is no list, but has to bear any text.
        _ = AnsibleInventory.advice(on: String(decoding: bytes, as: UTF8.self), file: "a b")
        guard let hosts else { return false }
        demand(!hosts.isEmpty && hosts.count <= HostList.mostHosts, "\(hosts.count) hosts")
        for host in hosts.prefix(100) { check(host) }
        guard hosts.count <= 1000 else { return true }
        let folded = HostList.fold(hosts.map(\.description))
        if let again = try? HostList.parse(folded), again.count == hosts.count { return true }
        // Long lists are cut, and end in words.
        demand(folded.utf8.count > 80 || hosts.count > 3, "a folded list is no list: \(folded)")
        return true
    },
    FuzzTarget(name: "host", longest: 600, words: ["@", "[", "]", ":", "%", "::ffff:192.0.2.1"]) {
        ["root@db1.example.com:2222", "[fe80::1%eth0]:22", "::1", "a@b@web1", "web1."].map { Array($0.utf8) }
    } run: { bytes in
        guard let text = String(validating: bytes, as: UTF8.self),
            let host = accepted({ () throws(SlotSyncError) in try Host(text) })
        else { return false }
        check(host)
        return true
    },
    FuzzTarget(
        name: "inventory",
        words: ["[web]", "[all:vars]", "ansible_host=", "hosts:", "children:", "\"_meta\"", "{", "[2024]", ";"]
    ) {
        ["[web]\nweb1 ansible_host=10.0.0.1\n", "all:\n  hosts:\n    web1:\n", "{\"_meta\": {}}"].map { Array($0.utf8) }
    } run: { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        guard let advice = AnsibleInventory.advice(on: text, file: "inventory.yml") else { return false }
        demand(advice.utf8.count < 1000, "an advice of \(advice.utf8.count) bytes")
        return true
    },
    FuzzTarget(
        name: "ssh",
        words: [
            "remotecommand ", "stdinnull ", "forkafterauthentication ", "sessiontype ", "loglevel ", "connecttimeout ",
            "proxyjump ", "none", "Connection closed by", "Permission denied (", "Host key verification failed", "; ",
        ]
    ) {
        [
            "remotecommand tmux\nloglevel QUIET\nconnecttimeout none\nproxyjump ann@[web1]:22,web2\n",
            "kex_exchange_identification: Connection closed by remote host; ",
        ].map { Array($0.utf8) }
    } run: { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        let settings = SSHSettings(text)
        let options = settings.options(timeout: .seconds(30))
        demand(options.starts(with: SSHSettings.always), "an option is missing")
        // What ssh prints goes into no option.
        demand(options.allSatisfy { $0.utf8.count < 40 }, "an option that somebody else wrote: \(options)")
        let jump = settings.firstJump?.destination
        demand(jump.map { $0.dropLast().last == "--" } ?? true, "ssh may take a host to jump by for an option")
        _ = (LoginWords.tellOfDrop(text), LoginWords.advice(on: text, port: 22))
        return true
    },
]

/// A host is written as it is read, and is nothing that ssh or a shell could take for something else.
private func check(_ host: Host) {
    let again = try? Host(host.description)
    demand(again == host, "a host reads as another one: \(host), \(again.map { "\($0)" } ?? "refused")")
    demand(host.name.first != "-" && host.user?.first != "-", "ssh takes \(host) for an option")
    demand(!host.name.contains("/") && host.name != "..", "\(host) leads out of its folder")
    demand(host.port.map { 1...65535 ~= $0 } ?? true, "port \(host.port ?? 0)")
    let isPlain = host.description.unicodeScalars.allSatisfy { !$0.properties.isWhitespace && $0.value > 0x20 }
    demand(isPlain && !host.name.contains { "'\"`$;&|<>(){}*?\\!".contains($0) }, "a shell reads something in \(host)")
    _ = (host.label, host.comparedName)
}
