// What `stage` says at its end, for people.

import SlotSync

extension StageReport {
    var conclusion: Conclusion {
        Conclusion(
            status: ExitStatus(done: hosts.count, failed: failures.count), release: release,
            hosts: hosts.count + failures.count, failed: failures.count, sentBytes: sentBytes,
            receivedBytes: receivedBytes)
    }

    /// Hosts that nothing was sent to, those with the same to say together. Of a bad release each host has warned.
    var unsentLines: [String] {
        folded(hosts.filter { $0.outcome.kind != .staged && $0.outcome.kind != .alreadyBad }.map { ($0.host, $0.text) })
    }

    /// One line: `release 3f2a09bc (v1.4.2) is staged on 5 hosts: on each 12 files received, …; 1.2 MB sent in 0.8 s`
    func summary(duration: Duration) -> String {
        let total = hosts.count + failures.count
        let reached =
            failures.isEmpty ? NumberText.count(total, "host") : "\(hosts.count) of \(NumberText.count(total, "host"))"
        let sent = "\(byteText(sentBytes)) sent in \(TimeText.rounded(duration))"
        let worked = hosts.map(\.outcome).filter { $0.kind == .staged || $0.kind == .planned }
        guard !hosts.isEmpty else { return "release \(release.short) is staged on no host" }
        let bad = hosts.count { $0.outcome.kind == .alreadyBad }
        let warning = bad == 0 ? "" : "; it is bad on \(bad): `flip` refuses it there without --force"
        guard let first = worked.first else {
            let isLive = hosts.allSatisfy { $0.outcome.kind == .alreadyLive }
            return
                "release \(release.short) is \(isLive ? "live" : "there") already on \(reached): nothing to copy\(warning)"
        }
        let each = worked.count > 1 ? "on each " : ""
        let received = "\(each)\(Self.range(worked.map(\.received))) of \(NumberText.count(files, "file"))"
        if first.kind == .planned {
            return "release \(release.short) would go to \(reached): \(received) would be received"
        }
        let already = hosts.count - worked.count
        let unchanged = already == 0 ? "" : "; it was there already on \(already)"
        return "release \(release.short) is staged on \(reached): \(received) received, "
            + "\(Self.range(worked.map(\.copied))) copied, \(Self.range(worked.map(\.kept))) kept\(unchanged)\(warning); \(sent)"
    }

    /// `12`, or `12 to 15` where hosts differ.
    private static func range(_ numbers: [Int]) -> String {
        guard let least = numbers.min(), let most = numbers.max() else { return "0" }
        return least == most ? NumberText.count(least) : "\(NumberText.count(least)) to \(NumberText.count(most))"
    }
}
