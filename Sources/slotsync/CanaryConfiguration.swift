// Reads the `canary` section of slotsync.yml into CanarySettings and queries for Prometheus. It is as strict as the
// rest of the file: what the settings find wrong is reported with the line of its key. Every command checks the keys;
// only `push` and `sample` check the values.

import Canary
import CanaryPrometheus
import SlotSync

/// What the section says.
struct CanarySection: Sendable, Equatable {
    var settings = CanarySettings()
    /// What Prometheus servers are asked for, by the metric's name.
    var queries: [String: PrometheusQuery] = [:]

    private enum Key: String, CaseIterable {
        case hosts, phases
        case holdBack = "hold_back"
        case baseline, window, settle, interval, watch, significance, tolerance
        case onInconclusive = "on_inconclusive"
        case metrics
    }

    /// Checks that the section has no key that nobody reads.
    static func checkKeys(_ node: ConfigurationNode) throws(SlotSyncError) {
        for (key, value) in try node.entries(allowing: Key.allCases.map(\.rawValue))
        where Key(rawValue: key) == .metrics {
            for item in try value.items() { _ = try MetricSettings.entries(of: item) }
        }
    }

    init() {}

    init(_ node: ConfigurationNode) throws(SlotSyncError) {
        var lines: [String: ConfigurationNode] = [:]
        var metricLines: [ConfigurationNode] = []
        for (key, value) in try node.entries(allowing: Key.allCases.map(\.rawValue)) {
            lines[key] = value
            switch Key(rawValue: key) {
            case .hosts: settings.hosts = try value.canaries()
            case .phases:
                settings.phases = []
                for item in try value.items() { settings.phases.append(try item.read(.portion)) }
            case .holdBack: settings.holdBack = try value.read(.portion)
            case .baseline: settings.baseline = try value.read(.time)
            case .window: settings.window = try value.read(.time)
            case .settle: settings.settle = try value.read(.time)
            case .interval: settings.interval = try value.read(.time)
            case .watch: settings.watch = try value.read(.time)
            case .significance: settings.significance = try value.read(.significance)
            case .tolerance: settings.tolerance = try value.read(.share)
            case .onInconclusive: settings.onInconclusive = try value.read(.choice)
            case .metrics:
                metricLines = try value.items()
                for item in metricLines {
                    let (metric, query) = try MetricSettings.read(item)
                    settings.metrics.append(metric)
                    if let query { queries[metric.metric.name] = query }
                }
            case nil: break
            }
        }
        if let problem = settings.firstProblem() {
            let metric = problem.metric.flatMap { metricLines.indices.contains($0) ? metricLines[$0] : nil }
            // A relation between two keys is told at one of them; if that is a default, at the section.
            throw (metric ?? lines[problem.key] ?? node).wrong(
                metric == nil && lines[problem.key] == nil ? "\(problem.key): \(problem.message)" : problem.message)
        }
    }

    /// What asks for metrics that do not come from hosts; nil: there are none.
    ///
    /// - Throws: ``SlotSyncError`` with the code `system` if there is no HTTP client on this machine.
    func external() throws(SlotSyncError) -> (any ExternalMetrics)? {
        queries.isEmpty ? nil : PrometheusMetrics(queries, transport: try PrometheusClient())
    }
}

extension MetricSettings {
    private enum Key: String, CaseIterable {
        case name, source, kind, worse, from, tolerance, weight, critical, path, match, run, url, query, label
        case headers
        case headersFile = "headers_file"
        case bearerTokenFile = "bearer_token_file"
    }

    private enum SourceName: String, CaseIterable {
        case loadavg, cpu, log, command, prometheus

        /// The keys that say what of the source is meant; each has to be there. (A `label` may be.)
        var keys: [Key] {
            switch self {
            case .loadavg, .cpu: []
            case .log: [.path, .match]
            case .command: [.run]
            case .prometheus: [.url, .query]
            }
        }
    }

    fileprivate static func entries(
        of node: ConfigurationNode
    ) throws(SlotSyncError) -> [(key: String, value: ConfigurationNode)] {
        try node.entries(allowing: Key.allCases.map(\.rawValue))
    }

    /// Reads a metric, and what Prometheus is asked for it.
    fileprivate static func read(
        _ node: ConfigurationNode
    ) throws(SlotSyncError) -> (metric: MetricSettings, query: PrometheusQuery?) {
        var values: [Key: ConfigurationNode] = [:]
        for (key, value) in try entries(of: node) {
            if let key = Key(rawValue: key) { values[key] = value }
        }
        func value(_ key: Key, _ why: String = "a metric") throws(SlotSyncError) -> ConfigurationNode {
            guard let value = values[key] else { throw node.wrong("\(why) needs the key \(key.rawValue)") }
            return value
        }
        let source = try value(.source).read(ValueForm<SourceName>.choice)
        let ofPrometheus = [Key.label, .headers, .headersFile, .bearerTokenFile]
        for key in [Key.path, .match, .run, .url, .query] + ofPrometheus where !source.keys.contains(key) {
            guard let value = values[key], !(ofPrometheus.contains(key) && source == .prometheus) else { continue }
            throw value.wrong("source \(source.rawValue) has no such key; remove it")
        }
        func text(_ key: Key) throws(SlotSyncError) -> String {
            let value = try value(key, "source \(source.rawValue)")
            try value.checkPlaceholders(areReplaced: [.path, .run, .query].contains(key), isRun: key == .run)
            return try value.text()
        }
        let metricSource: MetricSource =
            switch source {
            case .loadavg: .host(.loadAverage)
            case .cpu: .host(.cpu)
            case .log: .host(.log(path: try text(.path), pattern: try text(.match)))
            case .command: .host(.command(try text(.run)))
            case .prometheus: .external
            }
        var settings = MetricSettings(name: try value(.name).text(), source: metricSource)
        if let kind = values[.kind] { settings.metric.kind = try kind.read(.choice) }
        if let worse = values[.worse] { settings.metric.worse = try worse.read(.choice) }
        if let start = values[.from] {
            settings.metric.start = try start.read(.choice)
            guard settings.metric.kind == .counter else {
                throw start.wrong("a gauge is always judged from the end of the settling time on; remove it")
            }
        }
        settings.metric.tolerance = try values[.tolerance]?.read(.share)
        if let weight = values[.weight] { settings.metric.weight = try weight.read(.number) }
        if let critical = values[.critical] { settings.metric.isCritical = try critical.boolean() }
        guard source == .prometheus else { return (settings, nil) }
        let (url, query, label) = (try text(.url), try text(.query), try values[.label]?.text())
        var headers: [(name: String, value: String)] = []
        for (name, value) in try values[.headers]?.secrets() ?? [] { headers.append((name, try value.text())) }
        let (headersFile, tokenFile) = (try values[.headersFile]?.path(), try values[.bearerTokenFile]?.path())
        do throws(SlotSyncError) {
            let access = try PrometheusAccess(
                headers: headers, headersFile: headersFile, bearerTokenFile: tokenFile)
            return (settings, try PrometheusQuery(url: url, query: query, label: label, access: access))
        } catch {
            throw node.wrong("\(quoted(settings.metric.name)): \(error.message)")
        }
    }
}

extension ConfigurationNode {
    /// Refuses a placeholder where none is replaced, and what was probably meant as one: `{hots}`, `{Host}`, `{hosts}`.
    ///
    /// So is `${host}`, which would become `$web1`, where no shell reads the text. Other braces mean something to a shell, to
    /// PromQL or in a label's value: `{a,b}`, `{print}`, `{5}`, `/blog/{post}`.
    ///
    /// - Parameter isRun: a shell reads it.
    fileprivate func checkPlaceholders(areReplaced: Bool, isRun: Bool) throws(SlotSyncError) {
        let known = Placeholders.names.map { String($0.dropFirst().dropLast()) }
        for (word, isVariable) in try text().bracedWords {
            guard !isVariable else {
                if let meant = known.first(where: { $0 == word.lowercased() }), !isRun {
                    throw wrong(
                        "${\(word)} is a variable of a shell's, and no shell reads this: "
                            + (areReplaced
                                ? "write {\(meant)}"
                                : "write it out, for {\(meant)} is replaced in path, run and query alone"))
                }
                continue
            }
            if !areReplaced, known.contains(word) {
                throw wrong("{\(word)} is not replaced here, only in path, run and query: write it out")
            }
            if areReplaced, !known.contains(word), let meant = known.first(where: { word.isSlip(of: $0) }) {
                throw wrong(
                    "{\(word)} is replaced by nothing; did you mean {\(meant)}? Known are "
                        + Placeholders.names.joined(separator: ", "))
            }
        }
    }

    /// A number or share of hosts, or else a list of them.
    fileprivate func canaries() throws(SlotSyncError) -> CanarySettings.Canaries {
        let items = try items()
        if items.count == 1, let portion = HostPortion(try items[0].text()) { return .portion(portion) }
        return .list(try hosts())
    }
}

extension String {
    /// The words of letters in braces of their own, and whether a $ makes them variables of a shell.
    fileprivate var bracedWords: [(word: String, isVariable: Bool)] {
        matches(of: /(\$?)\{([A-Za-z]+)\}/).map { (String($0.2), !$0.1.isEmpty) }
    }

    /// Whether this is `word` in other case, with its letters in another order, or with one too many or too few.
    fileprivate func isSlip(of word: String) -> Bool {
        let mine = lowercased()
        if mine.sorted() == word.sorted() { return true }
        return mine.count != word.count && mine.editDistance(to: word) == 1
    }
}
