// Slips that people make on the command line and in files: each is told with what to write instead.

import Foundation
import Testing

extension EndToEnd {
    @Suite("Slips")
    struct SlipTests {
        /// Calls the command in a folder of its own.
        private func call(
            _ bench: Workbench, _ arguments: String..., in folder: String = "here", environment: [String: String] = [:]
        ) async throws -> Outcome {
            try bench.folder(folder)
            return try await Program.run(
                [Program.slotsync] + arguments,
                environment: ["HOME": bench["home"], "XDG_CACHE_HOME": bench["cache"]].merging(environment) { $1 },
                in: bench[folder])
        }

        private func expectUsage(
            _ outcome: Outcome, _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation
        ) {
            #expect(outcome.exitCode == 64, "\(outcome)", sourceLocation: sourceLocation)
            for part in parts {
                #expect(outcome.errors.contains(part), "\(part): \(outcome)", sourceLocation: sourceLocation)
            }
        }

        // MARK: Commands and sources

        @Test(
            "a command that there is not names the nearest",
            arguments: [
                ("stgae", "stage"), ("rolback", "rollback"), ("stat", "status"), ("deploy", "push"), ("Flip", "flip"),
            ])
        func command(word: String, meant: String) async throws {
            try await Workbench.use { bench in
                expectUsage(try await call(bench, word), "unknown command '\(word)'; did you mean \(meant)?")
            }
        }

        @Test("a word that is near no command lists them")
        func otherWord() async throws {
            try await Workbench.use { bench in
                let outcome = try await call(bench, "xylophone", "--json")
                expectUsage(outcome, "unknown command 'xylophone'", "stage, flip, rollback, push")
                #expect(!outcome.errors.contains("did you mean"), "\(outcome)")
            }
        }

        @Test(
            "an archive as the source says how to unpack it",
            arguments: [
                ("site.tar.gz", "tar -xf"), ("site.tgz", "tar -xf"), ("site.zip", "unzip"), ("site.txt", "no folder"),
            ])
        func archive(name: String, advice: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try bench.write("x", to: name)
                let outcome = try await fleet.call("stage", bench[name])
                #expect(outcome.exitCode == 64 && outcome.errors.contains(advice), "\(outcome)")
                #expect(!outcome.errors.contains("Not a directory"), "\(outcome)")
            }
        }

        @Test(
            "where a release is named, flip and rollback say how the other one has it",
            arguments: [
                (["rollback", "v1"], "slotsync rollback --to v1"), (["flip", "--to", "v1"], "slotsync flip v1"),
                (["rollback", "v 1"], "slotsync rollback --to 'v 1'"),
            ])
        func namedRelease(arguments: [String], advice: String) async throws {
            try await Workbench.use { bench in
                let outcome = try await Program.run(
                    [Program.slotsync] + arguments + ["--hosts", "h1", "--root", "/x"], in: bench.path)
                expectUsage(outcome, advice)
            }
        }

        // MARK: Hosts

        @Test("a list that names nobody reaches nobody, and not the hosts of the configuration")
        func nobody() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench, hosts: 2)
                try await fleet.release(firstTree(bench))
                try await fleet.release(changedTree(bench))
                try bench.folder("here")
                try bench.write(
                    "hosts: 'h[1-2]'\nroot: \(bench["{host}/www"])\ntransport: local\n", to: "here/slotsync.yml")
                try bench.write("# nobody\n\n", to: "list")
                for (arguments, said) in [
                    (["--hosts", ""], "--hosts names nobody"), (["--hosts", " "], "--hosts names nobody"),
                    (["--hosts", "h1", "--hosts", ""], "--hosts names nobody"),
                    (["--hosts-file", "/dev/null"], "there is no host in \"/dev/null\""),
                    (["--hosts-file", bench["list"]], "--hosts-file names nobody"),
                    (["--except", ""], "--except names nobody"), (["--hosts-file", ""], "expected the path of a file"),
                    (["--hosts", "!h2"], "give --except h2 in its place"),
                ] {
                    let outcome = try await Program.run(
                        [Program.slotsync, "rollback"] + arguments, in: bench["here"])
                    expectUsage(outcome, said)
                }
                #expect(fleet.hosts.map { fleet.current($0) } == ["slots/2", "slots/2"])
                let spared = try await Program.run(
                    [Program.slotsync, "rollback", "--except-file", bench["list"]], in: bench["here"])
                #expect(spared.exitCode == 0 && spared.errors.contains("--except-file leaves nobody out"), "\(spared)")
                #expect(fleet.hosts.map { fleet.current($0) } == ["slots/1", "slots/1"])
            }
        }

        @Test(
            "patterns of a shell's as hosts say how a range is written",
            arguments: [
                ("web{1..3}", "web[1-3]"), ("web{01..12}.example.com", "web[01-12].example.com"),
                ("web{a,b}", "web1,db1"),
                ("web*", "web[1-9]"), ("web?", "web[1-9]"), ("https://web1/x", "without https://"),
            ])
        func shellPattern(hosts: String, advice: String) async throws {
            try await Workbench.use { bench in
                expectUsage(try await call(bench, "status", "--root", "/x", "--hosts", hosts), advice)
            }
        }

        @Test(
            "an inventory of Ansible's as a hosts file is recognised, and how to make a list of it is said",
            arguments: [
                "[web]\nweb1\nweb2\n", "[web]\nweb[01:50].example.com\n", "mail.example.com ansible_host=10.0.0.1\n",
                "# shop\n[shop:children]\nweb\n", "all:\n  hosts:\n    web1:\n",
                "---\nall:\n  children:\n    web:\n      hosts:\n        a:\n",
                "[all:vars]\nansible_user=deploy\n", "[db1]\ndb1.example.com\n", "[2024]\nweb1\n", "[a-b]\nweb1\n",
                "{\"all\": {\"hosts\": {\"web1\": {}}}}\n",
            ])
        func inventory(text: String) async throws {
            try await Workbench.use { bench in
                let file = try bench.write(text, to: "inventory")
                expectUsage(
                    try await call(bench, "status", "--root", "/x", "--hosts-file", file), "Ansible",
                    "ansible-inventory -i \(file) --list | jq")
            }
        }

        @Test(
            "a wrong hosts file that is no inventory is told as before",
            arguments: ["web1\nweb[1-\n", "web1:\n", "a b\n"])
        func noInventory(text: String) async throws {
            try await Workbench.use { bench in
                let file = try bench.write(text, to: "list")
                let outcome = try await call(bench, "status", "--root", "/x", "--hosts-file", file)
                expectUsage(outcome, "\(file):")
                #expect(!outcome.errors.contains("Ansible"), "\(outcome)")
            }
        }

        @Test(
            "the list that is made of an inventory is what it says",
            .enabled(if: exists("/usr/bin/jq"), "jq is not installed"))
        func madeList() async throws {
            try await Workbench.use { bench in
                try bench.write(
                    #"{"_meta":{"hostvars":{"web1":{"a":1}}},"all":{"children":["ungrouped","web"]},"ungrouped":{"hosts":["db1"]},"web":{"hosts":["web2","web1"]}}"#,
                    to: "inventory.json")
                let file = try bench.write("[web]\nweb1\nweb2\n", to: "inventory")
                let outcome = try await call(bench, "status", "--root", "/x", "--hosts-file", file)
                let filter = try #require(
                    outcome.errors.firstMatch(of: /jq -r '([^']+)' > slotsync-hosts.txt/)?.1, "\(outcome)")
                let list = try await Program.run(["jq", "-r", String(filter), bench["inventory.json"]])
                #expect(list.lines == ["db1", "web1", "web2"], "\(list)")
            }
        }

        @Test("a host that is left out and not there is told with where it stands")
        func wrongException() async throws {
            try await Workbench.use { bench in
                try bench.folder("here")
                try bench.write("hosts: web[1-3]\nroot: /x\nexcept: web9\n", to: "here/slotsync.yml")
                let ofFile = try await call(bench, "status")
                expectUsage(ofFile, "slotsync.yml:3: except: left out, but not among the hosts: web9")
                #expect(!ofFile.errors.contains("--hosts"), "\(ofFile)")
                try bench.write("hosts: ['web[1-3]', '!web8']\nroot: /x\n", to: "here/slotsync.yml")
                expectUsage(
                    try await call(bench, "status"), "slotsync.yml:1: hosts: left out, but not among the hosts: web8")
                let list = try bench.write("web9\n", to: "list")
                expectUsage(
                    try await call(bench, "status", "--hosts", "web1", "--except-file", list),
                    "--except-file \(list): left out, but not among the hosts: web9")
                expectUsage(
                    try await call(bench, "status", "--hosts", "web1", "--except", "web9"),
                    "--except: left out, but not")
                try bench.write("", to: "list")
                try bench.write("hosts_file: ../list\nroot: /x\n", to: "here/slotsync.yml")
                expectUsage(try await call(bench, "status"), "slotsync.yml:1: hosts_file: names nobody", "../list")
            }
        }

        // MARK: The configuration

        @Test("without a configuration, what was looked for and where is said")
        func noConfiguration() async throws {
            try await Workbench.use { bench in
                expectUsage(
                    try await call(bench, "flip"), "there is no slotsync.yml in \"\(bench["here"])\"", "--root",
                    "--hosts")
                expectUsage(try await call(bench, "flip", "--root", "/x"), "there is no slotsync.yml", "--hosts-file")
                expectUsage(
                    try await call(bench, "flip", "--config", "nope.yml"), "there is no configuration \"nope.yml\"",
                    bench["here"])
            }
        }

        @Test(
            "a configuration under another name, or in a folder above, is named",
            arguments: [("here/slotsync.yaml", "slotsync.yaml"), ("slotsync.yml", "../slotsync.yml")])
        func elsewhere(file: String, shown: String) async throws {
            try await Workbench.use { bench in
                try bench.folder("here")
                try bench.folder("h1/www")
                try bench.write("hosts: h1\nroot: \(bench["h1/www"])\ntransport: local\n", to: file)
                expectUsage(
                    try await call(bench, "status"), "\(shown), which is not read: name it with --config \(shown)")
                #expect(try await call(bench, "status", "--config", shown).exitCode == 0)
            }
        }

        @Test("a slotsync.yaml that is not read is warned of where the options suffice")
        func unread() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try bench.write("hooks: {after_flip: 'true'}\n", to: "slotsync.yaml")
                let outcome = try await fleet.call("status")
                #expect(
                    outcome.exitCode == 0 && outcome.errors.contains("warning: there is no slotsync.yml"), "\(outcome)")
                #expect(outcome.errors.contains("--config slotsync.yaml"), "\(outcome)")
            }
        }

        @Test("a byte-order mark is no part of the configuration; UTF-16 is named")
        func marks() async throws {
            try await Workbench.use { bench in
                try bench.folder("h1/www")
                let text = "hosts: h1\nroot: \(bench["h1/www"])\ntransport: local\n"
                try bench.folder("here")
                try bench.write("\u{FEFF}" + text, to: "here/slotsync.yml")
                #expect(try await call(bench, "status").exitCode == 0)
                try text.write(toFile: bench["here/slotsync.yml"], atomically: false, encoding: .utf16)
                expectUsage(try await call(bench, "status"), "UTF-16")
            }
        }

        @Test(
            "what is no YAML is told with line, column, the line and what to write",
            arguments: [
                ("hosts: web1\n  root: /x\n", "slotsync.yml:2:7:", "indent", "  root: /x"),
                ("hosts: [web1\nroot: /x\n", "slotsync.yml:1:8:", "its ]", "hosts: [web1"),
                ("canary: {hosts: 1\nroot: /x\n", "slotsync.yml:1:9:", "their }", "canary: {hosts: 1"),
                ("hosts: web1\n\troot: /x\n", "slotsync.yml:2:1:", "tab", "root: /x"),
                ("hosts: web1\nroot: \"/x\n", "slotsync.yml:2:7:", "quotation mark", "root: "),
                ("hosts: @web1\n", "slotsync.yml:1:8:", "put it in quotes", "hosts: @web1"),
                ("root: /x: y\n", "slotsync.yml:1:9:", "quotes", "root: /x: y"),
                ("exclude:\n  - *.log\n", "slotsync.yml:2:", "put it in quotes", "- *.log"),
                ("hosts: web1\nroot\n", "slotsync.yml:", "KEY: VALUE", "root"),
                ("root: \"\\d\"\n", "slotsync.yml:1:", "single quotes", "root: "),
                ("hosts: a\nhosts: b\n", "slotsync.yml:", "keep one", "hosts"),
            ])
        func syntax(text: String, place: String, advice: String, line: String) async throws {
            try await Workbench.use { bench in
                try bench.folder("here")
                try bench.write(text, to: "here/slotsync.yml")
                let outcome = try await call(bench, "status")
                expectUsage(outcome, place, advice, line)
                for word in ["mapping values", "token", "did not find", "scanner", "block", "simple key"] {
                    #expect(!outcome.errors.contains(word), "\(outcome)")
                }
            }
        }

        @Test(
            "no error about the configuration shows a header's value",
            arguments: [
                "headers: {Authorization: Bearer s3cr3t-value\n", "headers: [s3cr3t-value]", "headers: s3cr3t-value",
                "headers: {X-A: [s3cr3t-value]}", "headers: {X-A: !s3cr3t-value}", "headers: {Host: s3cr3t-value}",
                "headers: {'X A': s3cr3t-value}", "headers: {X-A: \"s3cr3t-value\\nX-B: 1\"}",
                "headers: {Authorization: s3cr3t-value}, bearer_token_file: x",
                "headers:\n        X-A: s3cr3t-value: x",
            ])
        func secret(headers: String) async throws {
            try await Workbench.use { bench in
                try bench.folder("here")
                try bench.write(
                    "root: /x\nhosts: h1\ntransport: local\ncanary:\n  metrics:\n    - {name: m, source: prometheus, "
                        + "url: 'http://127.0.0.1:1', query: up, \(headers)}\n", to: "here/slotsync.yml")
                for option in ["--verbose", "--json"] {
                    let outcome = try await call(bench, "sample", option)
                    #expect(outcome.exitCode == 64, "\(outcome)")
                    #expect(!(outcome.errors + outcome.output).contains("s3cr3t"), "\(outcome)")
                }
            }
        }

        // MARK: Homes

        @Test("~ is a home of the controller's in its own paths, and makes no folder of that name")
        func homes() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                try bench.folder("home/deploy")
                try bench.write("*.log\n", to: "home/deploy/ignore")
                try bench.write("h1\n", to: "home/deploy/hosts")
                try bench.write(
                    "root: \(fleet.root())\ntransport: local\nhosts_file: ~/deploy/hosts\nexclude_from: ~/deploy/ignore\n"
                        + "cache_dir: ~/kept\n", to: "home/deploy/slotsync.yml")
                let source = try firstTree(bench)
                try source.file("a.log", "x")
                try bench.folder("here")
                let staged = try await call(
                    bench, "stage", source.path, "--config=~/deploy/slotsync.yml", "--no-whole-file")
                #expect(staged.exitCode == 0, "\(staged)")
                #expect(exists(bench["home/kept"]) && !exists(bench["here/~"]) && !exists(bench["home/deploy/~"]))
                #expect(!exists(fleet.slot(1) + "/a.log"))
                let named = try await call(
                    bench, "stage", source.path, "--config=~/deploy/slotsync.yml", "--cache-dir=~nobody-known/x")
                expectUsage(named, "~nobody-known", "user of this machine")
            }
        }

        @Test("a root with ~ is refused with advice, on the command line, in the file and by an agent")
        func rootWithHome() async throws {
            try await Workbench.use { bench in
                try bench.folder("here")
                try bench.write("hosts: h1\nroot: ~/www\ntransport: local\n", to: "here/slotsync.yml")
                expectUsage(try await call(bench, "status"), "\"~/www\"", "/home/deploy/www", "ssh HOST pwd")
                expectUsage(try await call(bench, "status", "--root", "~deploy/www"), "without ~")
                expectUsage(try await call(bench, "status", "--root", "/srv/~/www"), "without ~")
                #expect(!exists(bench["here/~"]))
            }
        }

        @Test(
            "a root that is not absolute is refused, on the command line and in the file",
            arguments: ["www", "$HOME/www", "./www"])
        func relativeRoot(root: String) async throws {
            try await Workbench.use { bench in
                try bench.folder("here")
                try bench.write("hosts: h1\nroot: \(root)\ntransport: local\n", to: "here/slotsync.yml")
                expectUsage(try await call(bench, "status"), "root \"\(root)\"", "/srv/www")
                expectUsage(try await call(bench, "status", "--root", root), "--root: root \"\(root)\"")
            }
        }

        @Test("a cache folder in the source is not published")
        func cacheInSource() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let source = try firstTree(bench)
                let first = try await fleet.done("stage", source.path, "--cache-dir", "\(source.path)/var/cache")
                    .lastLine
                #expect(exists("\(source.path)/var/cache"))
                let again = try await fleet.done("stage", source.path, "--cache-dir", "\(source.path)/var/cache")
                    .lastLine
                #expect(!exists(fleet.slot(1) + "/var/cache"))
                let elsewhere = try await fleet.done("stage", source.path, "--exclude", "/var/cache").lastLine
                #expect(again == elsewhere && first.count == 32)
                let whole = try await fleet.call("stage", source.path, "--cache-dir", source.path)
                #expect(whole.exitCode == 64 && whole.errors.contains("is the source itself"), "\(whole)")
            }
        }

        // MARK: Exclusions

        @Test(
            "an exclusion that could never match is refused, with what to write",
            arguments: [
                ("exclude: |\n  .git\n  build\n", "line end"), ("exclude: ./.git\n", "write \"/.git\""),
                ("exclude: ../v1/.git\n", "cannot lead out"), ("exclude: [a//b]\n", "write \"/a/b\""),
                ("exclude: '.git '\n", "write \".git\""), ("exclude: >\n  .git\n", "line end"),
            ])
        func neverMatching(text: String, advice: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench).with("--config", bench.write(text, to: "slotsync.yml"))
                expectUsage(try await fleet.call("stage", firstTree(bench).path), "slotsync.yml:1", advice)
            }
        }

        @Test(
            "an exclusion that matches nothing and looks like a slip is told of once",
            arguments: [
                (".git build", "write each pattern by itself"), (" .git", "write \".git\""),
                ("source/.git", "write \"/.git\""),
                ("~/.git", "no home"),
                ("{.git,build}", "commas and braces"), ("name/", "no folder here"), ("'.git'", "quotation marks"),
            ])
        func unusedSlip(pattern: String, hint: String) async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let tree = try bench.tree("source")
                try tree.file("name", "x")
                for options in [["--dry-run"], []] {
                    let outcome = try await Program.run(
                        [Program.slotsync, "stage", tree.path, "--exclude", pattern] + fleet.options + options,
                        environment: ["HOME": bench["home"]])
                    #expect(outcome.exitCode == 0, "\(outcome)")
                    let told = outcome.errors.split(separator: "\n").filter { $0.contains("matches nothing") }
                    #expect(told.count == 1 && told[0].contains(hint), "\(outcome)")
                }
            }
        }

        @Test("an absolute path of this machine as an exclusion says what to write")
        func absolute() async throws {
            try await Workbench.use { bench in
                let tree = try firstTree(bench)
                let outcome = try await Fleet(bench).call("stage", tree.path, "--exclude", "\(tree.path)/.git")
                #expect(outcome.errors.contains("write \"/.git\""), "\(outcome)")
            }
        }

        @Test("an exclusion for what is there at times is not told of, but in a dry run; a file's never")
        func unusedUsual() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let source = try firstTree(bench)
                let file = try bench.write("no such\n*.bak\n", to: "ignore")
                let staged = try await fleet.done("stage", source.path, "--exclude", "*.bak", "--exclude-from", file)
                #expect(!staged.errors.contains("matches nothing"), "\(staged)")
                let dry = try await fleet.done(
                    "stage", source.path, "--exclude", "*.bak", "--exclude-from", file, "--dry-run")
                #expect(dry.errors.split(separator: "\n").count { $0.contains("matches nothing") } == 1, "\(dry)")
            }
        }

        @Test("a repository at the top and private keys are warned of, and published all the same")
        func secrets() async throws {
            try await Workbench.use { bench in
                let fleet = try Fleet(bench)
                let source = try firstTree(bench)
                try source.folder(".git").file("config", "x")
                try source.folder("vendor").folder(".git").file("config", "x")
                try source.folder("deploy").file("id_ed25519", "x")
                try source.folder("tls").file(
                    "site.pem", "-----BEGIN CERTIFICATE-----\n-----BEGIN RSA PRIVATE KEY-----\n")
                try source.folder("tls").file("chain.pem", "-----BEGIN CERTIFICATE-----\n")
                let staged = try await fleet.done("stage", source.path)
                let warnings = staged.errors.split(separator: "\n").filter { $0.contains("the release holds") }
                #expect(warnings.count == 2, "\(staged)")
                #expect(warnings.first?.contains("--exclude /.git") == true, "\(staged)")
                #expect(
                    warnings.last?.contains("private keys: \"deploy/id_ed25519\", \"tls/site.pem\"") == true,
                    "\(staged)")
                #expect(exists(fleet.slot(1) + "/.git/config"))
                let clean = try await fleet.done(
                    "stage", source.path, "--exclude", "/.git", "--exclude", "id_*", "--exclude", "*.pem")
                #expect(!clean.errors.contains("the release holds"), "\(clean)")
            }
        }
    }
}
