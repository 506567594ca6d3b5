// Checks that the metrics of a push can be sampled, and that no two have one name. CanarySettings.firstProblem() calls
// it.

import SlotSync

extension CanarySettings {
    func metricsProblem() -> Problem? {
        guard metrics.count <= CanarySettings.mostMetrics else {
            return Problem("metrics", "\(metrics.count) metrics; at most \(CanarySettings.mostMetrics) are allowed")
        }
        var names: Set<String> = []
        for (index, settings) in metrics.enumerated() {
            let metric = settings.metric
            if let message = settings.problem ?? (names.insert(metric.name).inserted ? nil : "is there already") {
                return Problem("metrics", metric: index, "\(quoted(metric.name)): \(message)")
            }
        }
        return nil
    }
}

extension MetricSettings {
    fileprivate var problem: String? {
        guard !metric.name.isEmpty, metric.name.utf8.count <= CanarySettings.longestName,
            metric.name.unicodeScalars.allSatisfy({ !$0.properties.isWhitespace && isShown($0) })
        else { return "a name is 1 to \(CanarySettings.longestName) bytes long, without white space" }
        if let tolerance = metric.tolerance, !(0...CanarySettings.largestTolerance).contains(tolerance) {
            return "the tolerance \(tolerance) is not a relative change from 0 to 1000%"
        }
        guard CanarySettings.weights.contains(metric.weight) else {
            return "the weight \(metric.weight) is not between 0.001 and 1000"
        }
        switch source {
        case .host(.loadAverage), .host(.cpu), .external: return nil
        case .host(.log(let path, let pattern)):
            // {root} stands for an absolute path.
            let whole = path.hasPrefix("{root}/") ? String(path.dropFirst("{root}".count)) : path
            return LogPath.problem(whole) ?? tooLong(path, "path") ?? tooLong(pattern, "pattern")
        case .host(.command(let command)):
            return tooLong(command, "command", limit: CanarySettings.longestCommand)
        }
    }

    private func tooLong(_ text: String, _ what: String, limit: Int = CanarySettings.longestText) -> String? {
        if text.isEmpty { return "the \(what) is empty" }
        if text.utf8.contains(0) { return "the \(what) holds a NUL character" }
        return text.utf8.count <= limit ? nil : "the \(what) is longer than \(limit) bytes"
    }

    private func isShown(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
        default: true
        }
    }
}
