// What a policy's text means, and that a slip in it allows nothing.

import SystemPackage
import Testing

@testable import SlotSync

@Suite("A host's policy")
struct AgentPolicyTests {
    private func policy(_ text: String) throws -> AgentPolicy {
        try AgentPolicy(parsing: Array(text.utf8), from: "/etc/slotsync/policy")
    }

    @Test("every key is read; remarks, blank lines and space around words mean nothing")
    func keys() throws {
        let read = try policy(
            """
            # the shop

            root /srv/www
              root\t/srv/shop/
            stage no
            flip no
            setuid yes
            install yes
            slots 3
            hook reload   systemctl reload "php-fpm"  # with its remark
            command p95 /usr/local/bin/p95 --last
            log /var/log/php/error.log
            log /srv/www/shared/log/app-*.log
            """)
        var wanted = AgentPolicy(path: "/etc/slotsync/policy")
        wanted.roots = ["/srv/www", "/srv/shop"]
        (wanted.mayStage, wanted.mayFlip, wanted.maySetPrivileges, wanted.mayInstall) = (false, false, true, true)
        wanted.mostSlots = 3
        wanted.hooks = [.init(name: "reload", text: #"systemctl reload "php-fpm"  # with its remark"#)]
        wanted.commands = [.init(name: "p95", text: "/usr/local/bin/p95 --last")]
        wanted.logs = ["/var/log/php/error.log", "/srv/www/shared/log/app-*.log"]
        #expect(read == wanted)
    }

    @Test("an empty policy lets releases come and go live, and nothing else")
    func empty() throws {
        let empty = try policy("")
        try empty.check(root: "/anything")
        try empty.checkFlips()
        try empty.checkStage(makingSlots: 9)
        #expect(try empty.hook("").isEmpty)
        #expect(errorCode { _ = try empty.hook("true") } == .refused)
        #expect(errorCode { _ = try empty.allowed(.command("true")) } == .refused)
        #expect(errorCode { _ = try empty.allowed(.log(path: "/var/log/x", pattern: ".")) } == .refused)
        #expect(errorCode { try empty.checkInstall() } == .refused)
        #expect(try empty.allowed(.loadAverage) == .loadAverage)
        #expect(try empty.allowed(.cpu) == .cpu)
    }

    @Test(
        "what is not understood is refused, with its line",
        arguments: [
            "hooks reload true", "Hook reload true", "hook", "hook reload", "hook reload ", "hook -r true",
            "hook re/load true", "hook \(String(repeating: "n", count: 65)) true",
            "hook reload true\nhook reload false",
            "root srv/www", "root /srv/../etc", "root /a\nroot /a/", "stage", "stage true", "stage yes\nstage no",
            "slots 1", "slots 10", "slots two", "slots 3\nslots 3", "log error.log", "log /var/log/../secret",
            "log /var/*/x.log", "log /var/log/app-%Y.log", "log /a.log\nlog /a.log", "flip yes\r", "hook a tr\u{0}ue",
            "hook a echo \u{1b}[2J", "install maybe",
        ])
    func slips(text: String) {
        let whole = "stage yes\n".dropFirst(text.hasPrefix("stage") ? 10 : 0) + text
        let line = whole.split(separator: "\n").count
        let said = errorMessage { _ = try policy(String(whole)) }
        #expect(said.contains("/etc/slotsync/policy") && said.contains("line \(line):"), "\(said)")
    }

    @Test("bytes that are not UTF-8 are refused")
    func notText() throws {
        #expect(errorCode { _ = try AgentPolicy(parsing: [0x68, 0xff], from: "/p") } == .refused)
    }

    @Test("a hook is asked for by name or by its whole text, and it is the policy's text that runs")
    func hooks() throws {
        let read = try policy("hook reload systemctl reload a\nhook other reload\ncommand p95 echo 5")
        #expect(try read.hook("reload") == "systemctl reload a")
        #expect(try read.hook("systemctl reload a") == "systemctl reload a")
        #expect(try read.hook("other") == "reload")
        #expect(try read.allowed(.command("p95")) == .command("echo 5"))
        #expect(try read.allowed(.command("echo 5")) == .command("echo 5"))
        for text in [
            "systemctl reload a ", "systemctl reload a; id", "systemctl", "p95", "echo 5", "Reload", " reload",
        ] {
            #expect(errorCode { _ = try read.hook(text) } == .refused, "\(text)")
        }
        #expect(errorCode { _ = try read.allowed(.command("reload")) } == .refused)
        let said = errorMessage { _ = try read.hook("rm -rf /\n") }
        #expect(said.contains(#"`hook NAME rm -rf /\n`"#), "\(said)")
        #expect(errorMessage { _ = try read.hook("warm") }.contains("`hook warm COMMAND`"))
    }

    @Test("a flip gets the policy's hooks, all three of them")
    func flip() throws {
        let read = try policy("hook b before\nhook a after\nhook u undo")
        var request = FlipRequest(
            direction: .flip, release: .empty, beforeHook: "b", afterHook: "a", undoHook: "u", provisionalLimit: nil)
        let allowed = try read.allowed(request)
        #expect([allowed.beforeHook, allowed.afterHook, allowed.undoHook] == ["before", "after", "undo"])
        for hook in [\FlipRequest.beforeHook, \.afterHook, \.undoHook] {
            let before = request[keyPath: hook]
            request[keyPath: hook] = "id"
            #expect(errorCode { _ = try read.allowed(request) } == .refused)
            request[keyPath: hook] = before
        }
        request.direction = .rollback
        #expect(errorCode { _ = try policy("flip no").allowed(request) } == .refused)
    }

    @Test("logs are those of the list, and single files that a pattern in it stands for")
    func logs() throws {
        let read = try policy("log /var/log/a.log\nlog /var/log/app-*.log")
        func isAllowed(_ path: String) -> Bool { (try? read.allowed(.log(path: path, pattern: "x"))) != nil }
        for path in ["/var/log/a.log", "/var/log/app-*.log", "/var/log/app-1.log", "/var/log/app-.log"] {
            #expect(isAllowed(path), "\(path)")
        }
        for path in [
            "/var/log/b.log", "/var/log/app-1.txt", "/var/log/../log/a.log", "/var/log//a.log", "/var/log/app-*",
            "/etc/shadow",
            "/var/log/app-/../../../etc/shadow.log", "/var/log/*", "/var/log/app-x/y.log", "/var/log/app-1*.log",
        ] {
            #expect(!isAllowed(path), "\(path)")
        }
    }

    @Test("a root is served if it is listed, or none is")
    func roots() throws {
        let read = try policy("root /srv/www\nroot /srv/shop")
        try read.check(root: "/srv/shop/")
        for root in ["/srv", "/srv/www/../shop", "srv/www", "/srv/www/x"] {
            #expect(errorMessage { try read.check(root: root) }.contains("`root \(root)`"))
        }
    }

    @Test("files with setuid, setgid or capabilities are refused by name; a folder with setgid is none")
    func privileges() throws {
        func manifest(_ mode: UInt16, _ kind: Entry.Kind = .file) -> Manifest {
            var manifest = Manifest(rootMode: 0o2755)
            manifest.beginChildren(of: 0)
            manifest.append(Entry(kind: kind, mode: mode, parent: 0), name: Array("tool".utf8), linkText: [])
            return manifest
        }
        let read = try policy("")
        for mode: UInt16 in [0o4755, 0o2755, 0o6711] {
            #expect(errorMessage { try read.checkPrivileges(of: manifest(mode)) }.contains("\"tool\""))
            try policy("setuid yes").checkPrivileges(of: manifest(mode))
        }
        try read.checkPrivileges(of: manifest(0o1755))
        try read.checkPrivileges(of: manifest(0o2755, .directory))
        var capable = manifest(0o755)
        capable.hasExtendedAttributes = true
        capable.extendedAttributes.append(
            ExtendedAttributes([.init(name: ExtendedAttributes.capability, value: [1, 0, 0, 2])]), for: 1)
        #expect(errorMessage { try read.checkPrivileges(of: capable) }.contains("\"tool\""))
    }

    @Test("no ring is made with more slots than the policy says")
    func slots() throws {
        let read = try policy("slots 3")
        try read.checkStage(makingSlots: 3)
        try read.checkStage(makingSlots: nil)
        #expect(errorMessage { try read.checkStage(makingSlots: 5) }.contains("--slots 3"))
    }

    @Test("an install is known by its script, whatever folder and version it names")
    func installs() {
        for (folder, version) in [("", "0.1.0 (protocol 2)"), ("/opt/it's a \\ place!", "1"), ("a;b$(c)", "`id`")] {
            let command = InstallCommand(folder: folder, version: version)
            #expect(InstallCommand.isMeant(by: command.text))
            #expect(InstallCommand(command.text) == command)
        }
        let text = InstallCommand(folder: "/opt", version: "1").text
        for other in [
            text + "; id", text + " more", text.replacing("/opt", with: "/opt;id"), "id; " + text, "exec sh -c id",
        ] {
            #expect(InstallCommand(other) == nil, "\(other)")
        }
    }
}
