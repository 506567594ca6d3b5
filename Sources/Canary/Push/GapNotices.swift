// Collects why metrics could not be read. A metric that is missing on one host is usually missing on many, at every
// sample: people are told once, of all hosts together. PushSampling and `slotsync sample` call it.

/// Why metrics are missing on a host.
struct MetricGap: Sendable, Hashable {
    /// The metric; or all that read one source.
    var subject: String
    /// The reason in the host's words.
    var reason: String
    /// The reason as all hosts have it whose sources differ by placeholders alone.
    var common: String

    /// A host "h1" is not meant by "h10".
    private static func isPartOfName(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "-" || character == "_"
    }

    init(subject: String, reason: String) {
        self.subject = subject
        self.reason = reason
        common = reason
    }

    /// - Parameter forms: texts of this host, and what stands for them on all; the first that fits is taken.
    init(subject: String, reason: String, replacing forms: [(own: String, common: String)]) {
        self.init(subject: subject, reason: reason)
        let forms = forms.filter { !$0.own.isEmpty && $0.own != $0.common }
        guard !forms.isEmpty else { return }
        common = ""
        var rest = reason[...]
        while !rest.isEmpty {
            let isBegin = !(common.last.map(Self.isPartOfName) ?? false)
            func isThere(_ text: String) -> Bool {
                guard isBegin, rest.hasPrefix(text) else { return false }
                return !(rest.dropFirst(text.count).first.map(Self.isPartOfName) ?? false)
            }
            if let form = forms.first(where: { isThere($0.own) }) {
                common += form.common
                rest = rest.dropFirst(form.own.count)
            } else {
                common.append(rest.removeFirst())
            }
        }
    }
}

/// Collects gaps, and remembers what was told.
struct GapNotices: Sendable {
    /// How many lines there are of one metric in a push.
    static let mostLines = 10

    private struct Key: Hashable {
        var subject: String
        var common: String
    }

    private var told: [Key: Set<Int>] = [:]
    private var lines: [String: Int] = [:]
    /// What was noted since it was told last, in the order of its coming.
    private var order: [Key] = []
    private var waiting: [Key: (reason: String, hosts: [Int])] = [:]

    /// Takes a gap of a host, given by its index. One that was told of that host is not told again.
    mutating func note(_ gap: MetricGap, of host: Int) {
        let key = Key(subject: gap.subject, common: gap.common)
        guard lines[gap.subject, default: 0] < Self.mostLines, told[key, default: []].insert(host).inserted else {
            return
        }
        if waiting[key] == nil { order.append(key) }
        waiting[key, default: (gap.reason, [])].hosts.append(host)
    }

    /// What was noted since the last call: a line for all hosts that lack the same, in the order of the hosts. The last line
    /// that a metric may have names all hosts that are left.
    mutating func take() -> [(hosts: [Int], text: String)] {
        defer { (order, waiting) = ([], [:]) }
        let keys = order.enumerated().sorted {
            (waiting[$0.element]?.hosts.min() ?? 0, $0.offset) < (waiting[$1.element]?.hosts.min() ?? 0, $1.offset)
        }.map(\.element)
        return keys.enumerated().compactMap { index, key in
            let number = lines[key.subject, default: 0] + 1
            guard var (reason, hosts) = waiting[key], number <= Self.mostLines else { return nil }
            lines[key.subject] = number
            if hosts.count > 1 { reason = key.common }
            if number == Self.mostLines {
                let rest = keys[(index + 1)...].filter { $0.subject == key.subject }
                if !rest.isEmpty {
                    hosts = Array(Set(rest.reduce(hosts) { $0 + (waiting[$1]?.hosts ?? []) }))
                    reason = "\(key.common), or another reason"
                }
                reason += " (no more is told of what it lacks)"
            }
            return (hosts.sorted(), "\(key.subject): \(reason)")
        }
    }
}
