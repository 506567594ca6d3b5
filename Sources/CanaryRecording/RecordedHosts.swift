// Reads the hosts of a recorded comparison and their samples, which are most of each line. RecordingReader calls it.

import Canary
import JSONCoding
import SlotSync

struct RecordedHosts {
    let metrics: [Metric]
    private let numbers: [String: Int]

    init(metrics: [Metric]) {
        self.metrics = metrics
        numbers = Dictionary(zip(metrics.map(\.name), metrics.indices)) { first, _ in first }
    }

    func read(_ object: JSONElement) throws(SlotSyncError) -> [HostSamples] {
        guard object.isObject else { throw wrong("hosts", "is not an object of hosts") }
        guard object.count <= RecordingFormat.maximumHosts else {
            throw wrong("hosts", "has \(object.count) hosts; \(RecordingFormat.maximumHosts) are the most")
        }
        var hosts: [HostSamples] = []
        hosts.reserveCapacity(object.count)
        var names: Set<String> = []
        var canaries = 0
        try object.forEachMember { (name, element) throws(SlotSyncError) in
            guard !name.isEmpty, name.utf8.count <= RecordingFormat.maximumNameLength else {
                throw wrong(
                    "hosts", "has a name that is not of 1 to \(RecordingFormat.maximumNameLength) bytes")
            }
            let path = "hosts.\(quoted(name))"
            guard names.insert(name).inserted else { throw wrong(path, "stands there twice") }
            guard element.isObject else { throw wrong(path, "is not an object") }
            let members = try Members(element, at: path, ["role", "baseline", "after"])
            let role: HostSamples.Role = try choice(try members.required("role"), "\(path).role")
            let baseline = try series(try members.required("baseline"), at: "\(path).baseline")
            let after = try series(try members.required("after"), at: "\(path).after")
            if role == .canary { canaries += 1 }
            hosts.append(HostSamples(host: name, role: role, baseline: baseline, after: after))
        }
        guard canaries > 0 else { throw wrong("hosts", "has no canary: nothing was flipped, so nothing can be judged") }
        return hosts
    }

    /// Samples for each metric, in the metrics' order.
    private func series(_ object: JSONElement, at path: String) throws(SlotSyncError) -> [[Double]] {
        guard object.isObject else { throw wrong(path, "is not an object of metrics") }
        var series = [[Double]](repeating: [], count: metrics.count)
        var isRead = [Bool](repeating: false, count: metrics.count)
        // Where each is usually written: in the metrics' order.
        var expected = 0
        try object.forEachMember { (name, element) throws(SlotSyncError) in
            let isExpected = expected < metrics.count && metrics[expected].name == name
            guard let index = isExpected ? expected : numbers[name] else {
                throw wrong(path, "has a metric \(quoted(name)) that is not among the metrics")
            }
            expected = index + 1
            guard !isRead[index] else { throw wrong("\(path).\(quoted(name))", "stands there twice") }
            isRead[index] = true
            series[index] = try samples(of: metrics[index], element) { "\(path).\(quoted(name))" }
        }
        if let missing = isRead.firstIndex(of: false) {
            throw wrong("\(path).\(quoted(metrics[missing].name))", "is missing; write [] where there are no samples")
        }
        return series
    }

    private func samples(
        of metric: Metric, _ list: JSONElement, at path: () -> String
    ) throws(SlotSyncError) -> [Double] {
        guard list.isArray else { throw wrong(path(), "is not a list of samples") }
        guard list.count <= RecordingFormat.maximumSamples else {
            throw wrong(path(), "has \(list.count) samples; \(RecordingFormat.maximumSamples) are the most")
        }
        var samples: [Double] = []
        samples.reserveCapacity(list.count)
        try list.forEachElement { (index, element) throws(SlotSyncError) in
            if let number = element.number {
                guard metric.kind.isPossible(number) else {
                    throw wrong("\(path())[\(index)]", "is \(number), but a counter has no fewer than 0 events")
                }
                samples.append(number)
            } else if element.isNull {
                samples.append(.nan)
            } else {
                throw wrong("\(path())[\(index)]", "is neither a number nor null")
            }
        }
        return samples
    }
}
