import Foundation
import Testing

@testable import SlotSync

@Suite struct HostListTests {
    static let lists: [(String, [String])] = [
        ("db1", ["db1"]),
        ("web1,web2 , web3", ["web1", "web2", "web3"]),
        ("web[1-3]", ["web1", "web2", "web3"]),
        ("web[08-11].example.com", ["web08", "web09", "web10", "web11"].map { $0 + ".example.com" }),
        ("web[01-03,07]", ["web01", "web02", "web03", "web07"]),
        ("web[9-10,012]", ["web9", "web10", "web012"]),
        ("web[98-101]", ["web98", "web99", "web100", "web101"]),
        ("web[098-101]", ["web098", "web099", "web100", "web101"]),
        ("r[1-2]n[1-2]", ["r1n1", "r1n2", "r2n1", "r2n2"]),
        ("root@db[1-2]:2222", ["root@db1:2222", "root@db2:2222"]),
        ("127.0.0.1:[2201-2202]", ["127.0.0.1:2201", "127.0.0.1:2202"]),
        ("[::1]:22", ["[::1]:22"]),
        ("[::1],[fe80::2%eth0]", ["[::1]", "[fe80::2%eth0]"]),
        ("2001:db8::7", ["[2001:db8::7]"]),
        ("a@b@host", ["a@b@host"]),
        ("root@[::1]:2222,web[1-2]", ["root@[::1]:2222", "web1", "web2"]),
        ("bücher.example", ["bücher.example"]),
        ("web[1-4],!web[2-3]", ["web1", "web4"]),
        ("!web2.example.com.,WEB[1-3].example.com", ["WEB1.example.com", "WEB3.example.com"]),
        ("root@web1:2222,db1,! web1", ["db1"]),
        ("web1:22,web1:2222,!web1:2222", ["web1:22"]),
        ("[2001:db8::7],db1,![2001:0DB8:0::7]", ["db1"]),
        ("[::ffff:192.0.2.1],db1,!192.0.2.1", ["db1"]),
    ]

    @Test(arguments: lists) func readsLists(list: String, expected: [String]) throws {
        #expect(try HostList.parse(list).map(\.description) == expected)
    }

    @Test func takesAHostApart() throws {
        let host = try Host("root@[::1]:2222")
        #expect(host.name == "::1")
        #expect(host.user == "root")
        #expect(host.port == 2222)
        #expect(host.destination == "root@::1")
        #expect(host.label == "[::1]:2222")
        #expect(try Host("db1").label == "db1")
        #expect(try Host("root@db1").destination == "root@db1")
    }

    static let typos: [(String, [String])] = [
        ("web[01-", [#""web[01-""#, "character 4", "not closed"]),
        ("db1,web[01-,db2", [#""web[01-,db2""#, "character 4", "not closed"]),
        ("web01]", ["character 6", "closes nothing"]),
        ("web[[1-2]]", ["character 4", "not closed"]),
        ("web[5-1]", ["character 5", "runs backwards", "1-5"]),
        ("web[a-b]", ["character 5", #""a" is not a number"#]),
        ("web[1-]", ["character 7", "a number is missing"]),
        ("web[]", ["a number is missing"]),
        ("web[1,,2]", ["a number is missing"]),
        ("web[1-2-3]", [#""2-3" is not a number"#]),
        ("web[001-20]", ["different widths"]),
        ("web[1-020]", ["different widths"]),
        ("web[1:2]", ["takes no colon"]),
        ("web[1-9999999999999999]", ["more than 15 digits"]),
        ("web1,,web2", ["nothing between two commas"]),
        ("web1,", ["nothing between two commas"]),
        ("", ["empty"]),
        (" ", ["empty"]),
        ("-oProxyCommand=x", ["dash"]),
        ("-l@web1", ["dash"]),
        ("root@-oProxyCommand", ["dash"]),
        ("web1 web2", ["a space"]),
        ("web\u{1b}[31m", [#"\u{1B}"#]),
        ("web\n1", [#"\n"#]),
        ("we\u{0}b", ["control character"]),
        ("web/../x", ["'/'"]),
        ("..", ["folder"]),
        ("web;reboot", ["';'"]),
        ("web$(x)", ["'$'"]),
        ("@web1", ["no user name"]),
        ("root@", ["no host name"]),
        (":22", ["no host name"]),
        ("web1:", ["no port"]),
        ("web1:0", ["1 to 65535"]),
        ("web1:65536", ["1 to 65535"]),
        ("web1:ssh", ["1 to 65535"]),
        ("web1:+22", ["1 to 65535"]),
        ("a:b:c", ["more than one colon"]),
        ("[::1", ["not closed"]),
        ("[::1]22", [":PORT"]),
        ("[zz::1]", ["not an IPv6 address"]),
        (String(repeating: "x", count: 256), ["256 bytes"]),
        ("web1,web2,web1", ["more than once", "web1"]),
        ("web1,root@web1:22", ["more than once"]),
        ("web1,WEB1", ["more than once", "WEB1 (which is web1)"]),
        ("web1,web1.", ["more than once", "web1. (which is web1)"]),
        ("a@web1:22,b@Web1.", ["more than once"]),
        ("[2001:db8::1],[2001:DB8:0::1]", ["more than once"]),
        ("192.0.2.1,[::ffff:c000:201]", ["more than once"]),
        ("web[1-3],!web4", ["left out", "web4"]),
        ("web[1-3],!web[3-5]", ["left out", "web[4-5]"]),
        ("web1,!root@web1", ["left out", "root@web1"]),
        ("web1:2222,!web1:22", ["left out", "web1:22"]),
        ("web[1-2],!web[1-2]", ["every host"]),
        ("!web1", ["empty"]),
        ("web1,!", ["no host after the !"]),
        ("web[1-3],web[2-4]", ["more than once", "web[2-3]"]),
        ("web[1-100001]", ["100001", "at most 100000"]),
        ("web[1-99999999][1-99999999][1-99999999]", ["at most 100000"]),
    ]

    @Test(arguments: typos) func namesTheTypo(list: String, parts: [String]) throws {
        let error = try #require(throws: SlotSyncError.self) { try HostList.parse(list) }
        #expect(error.code == .badInput)
        for part in parts { #expect(error.message.contains(part), "\(error.message)") }
        #expect(!error.message.unicodeScalars.contains { $0.properties.generalCategory == .control })
    }

    @Test func oneNameOnTwoPortsIsTwoHosts() throws {
        #expect(try HostList.parse("localhost:2201,localhost:2202").count == 2)
    }

    @Test func readsAHostsFileWithComments() throws {
        let file = "\u{FEFF}# front ends\r\nweb[01-02]\t# two\r\n\r\n  db1, db2\n#\n[::1]:22"
        let hosts = try HostList.parse(fileContents: Array(file.utf8), name: "hosts")
        #expect(hosts.map(\.label) == ["web01", "web02", "db1", "db2", "[::1]:22"])
    }

    @Test func namesFileAndLine() throws {
        func message(_ text: String) throws -> String {
            try #require(throws: SlotSyncError.self) {
                try HostList.parse(fileContents: Array(text.utf8), name: "hosts")
            }.message
        }
        #expect(try message("web1\n\nweb[2-1]\n").hasPrefix("hosts:3: "))
        #expect(try message("web1\nweb2\nweb1\n").contains("hosts: named more than once"))
        #expect(try message("# nobody\n").contains("hosts: the host list is empty"))
        #expect(throws: SlotSyncError.self) { try HostList.parse(fileContents: [0x77, 0xff], name: "hosts") }
    }

    @Test func aMissingHostsFileIsNamed() throws {
        let error = try #require(throws: SlotSyncError.self) { try HostList.read(file: "/nonexistent/hosts") }
        #expect(error.message.contains("/nonexistent/hosts"))
        #expect(error.errno == .noSuchFileOrDirectory)
    }

    @Test func joinsListsAndFindsDuplicatesAcrossThem() throws {
        let web = try HostList.parse("web[1-2]")
        #expect(try HostList.joining([web, HostList.parse("db1")]).count == 3)
        #expect(throws: SlotSyncError.self) { try HostList.joining([web, HostList.parse("web2")]) }
    }

    @Test func aHostOfOneListIsLeftOutByAnother() throws {
        var selection = try HostSelection("web[1-3]")
        selection.add(try HostSelection(fileContents: Array("db1\n!web2 # in repair\n".utf8), name: "hosts"))
        selection.leaveOut(try HostSelection("DB1."))
        #expect(try selection.hosts().map(\.label) == ["web1", "web3"])
        selection.leaveOut(try HostSelection("web9"))
        #expect(throws: SlotSyncError.self) { try selection.hosts() }
    }

    @Test func whateverIsTypedEndsInHostsOrAnError() throws {
        var random = SeededGenerator(seed: 3)
        let pieces = [
            "a", "web", "[", "]", "-", ",", "1", "09", "-3", "[1-3]", "@", ":", "::1", "[::1]", " ", "%", "é", "\n",
            "!",
        ]
        for _ in 0..<3000 {
            let text = (0..<Int.random(in: 0...7, using: &random)).map { _ in pieces.randomElement(using: &random)! }
                .joined()
            guard let hosts = try? HostList.parse(text) else { continue }
            for host in hosts { #expect(try Host(host.description) == host, "\(text)") }
        }
    }
}
