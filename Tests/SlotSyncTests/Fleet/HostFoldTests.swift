import Testing

@testable import SlotSync

@Suite struct HostFoldTests {
    static let cases: [([String], String)] = [
        ([], ""),
        (["db1"], "db1"),
        (["web003", "web017", "web018", "web019"], "web[003,017-019]"),
        (["web9", "web10", "web11"], "web[9-11]"),
        (["web099", "web100"], "web[099-100]"),
        (["web9", "web010"], "web9,web010"),
        (["web3", "db1", "web1", "db2"], "web[1,3],db[1-2]"),
        (["a1.x", "a2.y"], "a1.x,a2.y"),
        (["r1n1", "r1n2", "r2n1", "r2n2", "r1n3"], "r1n[1-3],r2n[1-2]"),
        (["web1.dc2", "web2.dc2"], "web[1-2].dc2"),
        (["web1:2222", "web2:2222"], "web[1-2]:2222"),
        (["localhost:2201", "localhost:2202"], "localhost:[2201-2202]"),
        (["::1", "::2"], "[::1],[::2]"),
        (["[::1]:22", "[::2]:22"], "[::1]:22,[::2]:22"),
        (["plain", "other"], "plain,other"),
        (["n12345678901234567890", "n12345678901234567891"], "n12345678901234567890,n12345678901234567891"),
    ]

    @Test(arguments: cases) func foldsNamesThatDifferInOneNumber(names: [String], expected: String) {
        #expect(HostList.fold(names) == expected)
    }

    @Test func whatIsFoldedIsReadBack() throws {
        var random = SeededGenerator(seed: 9)
        for _ in 0..<500 {
            var names: Set<String> = []
            for _ in 0..<Int.random(in: 1...40, using: &random) {
                let number = String(Int.random(in: 0...120, using: &random))
                let width = Int.random(in: 0...4, using: &random)
                let padded = String(repeating: "0", count: max(0, width - number.count)) + number
                names.insert(
                    ["web", "db", "r\(Int.random(in: 1...3, using: &random))n", ""].randomElement(using: &random)!
                        + padded
                        + ["", ".example.com", "-2", ":2222"].randomElement(using: &random)!)
            }
            let folded = HostList.fold(names.shuffled(using: &random))
            let read = try HostList.parse(folded).map(\.description)
            #expect(Set(read) == names, "\(folded)")
            #expect(read.count == names.count)
        }
    }

    @Test func aLargeFleetFoldsAtOnce() throws {
        let hosts = try HostList.parse("rack[001-100]node[0001-1000]")
        let clock = ContinuousClock()
        let duration = clock.measure {
            #expect(HostList.fold(hosts.map(\.name)).hasPrefix("rack001node[0001-1000],rack002node[0001-1000]"))
        }
        #expect(duration < .seconds(30))
    }
}
