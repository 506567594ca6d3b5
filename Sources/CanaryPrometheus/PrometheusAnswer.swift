// What a server answered to an instant query, as a value. The JSON of Prometheus's HTTP API is read here and nowhere
// else (https://prometheus.io/docs/prometheus/latest/querying/api/). The server is not trusted: length and nesting are
// checked before anything is read, and whatever the API does not have is malformed.

import JSONCoding
import SlotSync

/// The answer to one instant query.
struct PrometheusAnswer: Equatable {
    struct Series: Equatable {
        var labels: [(name: String, value: String)] = []
        /// The number as the server writes it.
        var value = ""

        func label(_ name: String) -> String? { labels.first { $0.name == name }?.value }

        static func == (one: Series, other: Series) -> Bool {
            one.value == other.value && one.labels.elementsEqual(other.labels, by: ==)
        }
    }

    enum Outcome: Equatable {
        case vector([Series])
        /// A number without labels.
        case scalar(String)
        /// The query cannot be computed. The types are the API's: `bad_data`, `execution`, `timeout`, …
        case error(type: String, message: String)
        /// A result that has no single number for a series: `matrix`, `string`, or a histogram.
        case unusable(String)
    }

    var outcome: Outcome
    var warnings: [String] = []

    /// The most warnings that are kept of one answer.
    static let mostWarnings = 10
    /// The deepest nesting that is followed; the API's answers have six levels.
    static let deepest = 32

    /// - Throws: a gap of kind `malformed`, or `unreachable` where something between here and Prometheus answered.
    ///
    /// - Parameter secrets: what is not to be shown of a body that is quoted.
    static func parse(
        _ response: PrometheusResponse, from server: PrometheusServer,
        hiding secrets: PrometheusSecrets = PrometheusSecrets([])
    ) throws(PrometheusGap) -> Self {
        var draft = Draft()
        do {
            guard response.body.count <= PrometheusResponse.largestBody else {
                throw SlotSyncError(.badInput, "is larger than \(PrometheusResponse.largestBody) bytes")
            }
            let parser = try JSONParser(maximumLength: response.body.count, maximumDepth: deepest)
            try response.body.withUnsafeBytes { text in
                try parser.read(text) { (root) throws(SlotSyncError) in
                    try root.forEachMember { (key, value) throws(SlotSyncError) in try draft.take(key, value) }
                }
            }
        } catch {
            throw notPrometheus(response, server, secrets, error)
        }
        guard let outcome = draft.outcome else {
            guard (200..<300).contains(response.status) else { throw notPrometheus(response, server, secrets, nil) }
            throw PrometheusGap(
                .malformed,
                "\(server): answered HTTP \(response.status) with JSON that Prometheus's API does not have; "
                    + "is the URL that of a Prometheus server?")
        }
        return PrometheusAnswer(outcome: outcome, warnings: draft.warnings)
    }

    /// The beginning of a body that people are to read, in quotes, of a page what stands between its tags.
    private static func said(_ body: String) -> String {
        var text = ""
        var isInTag = false
        for character in body.prefix(longestExcerpt) {
            switch character {
            case "<": isInTag = true
            case ">" where isInTag:
                isInTag = false
                text += " "
            case _ where isInTag: break
            default: text.append(character)
            }
        }
        let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return words.isEmpty ? "" : ": \(quoted(words))"
    }
    private static let longestExcerpt = 4_096

    /// What is said of an answer that is not Prometheus's: usually a proxy's, or that of another program.
    private static func notPrometheus(
        _ response: PrometheusResponse, _ server: PrometheusServer, _ secrets: PrometheusSecrets, _ error: (any Error)?
    ) -> PrometheusGap {
        let status = response.status
        let said = said(secrets.hidden(in: String(decoding: response.body, as: UTF8.self)))
        return switch status {
        case 200..<300:
            PrometheusGap(
                .malformed,
                "\(server): the answer \((error as? SlotSyncError)?.message ?? "cannot be read") (HTTP \(status))"
                    + "\(response.isObject ? "" : said); is the URL that of a Prometheus server?")
        case 300..<400:
            PrometheusGap(
                .unreachable, "\(server): redirects to another host (HTTP \(status))\(said); name that one in the URL")
        case 401, 403:
            PrometheusGap(
                .unreachable,
                "\(server): asks who we are (HTTP \(status))\(said); write the URL as https://user:password@host, or give "
                    + "what it wants by headers or bearer_token_file")
        case 404, 405:
            PrometheusGap(
                .unreachable, "\(server): has no /api/v1/query (HTTP \(status))\(said); is the path in the URL right?")
        default:
            PrometheusGap(.unreachable, "\(server): answered HTTP \(status), not by Prometheus's API\(said)")
        }
    }
}

/// An answer as far as it was read: members may come in any order.
private struct Draft {
    var status: String?
    var errorType = ""
    var error = ""
    var warnings: [String] = []
    var resultType: String?
    var series: [PrometheusAnswer.Series] = []
    var scalar: String?
    var hasResult = false
    var hasHistogram = false

    var outcome: PrometheusAnswer.Outcome? {
        switch (status, resultType) {
        case ("error", _): .error(type: errorType, message: error)
        case ("success", "vector") where hasResult: hasHistogram ? .unusable("histogram") : .vector(series)
        case ("success", "scalar"): scalar.map { .scalar($0) }
        case ("success", "matrix"), ("success", "string"): .unusable(resultType ?? "")
        default: nil
        }
    }

    mutating func take(_ key: String, _ value: JSONElement) throws(SlotSyncError) {
        switch key {
        case "status": status = value.text
        case "errorType": errorType = value.text ?? ""
        case "error": error = value.text ?? ""
        case "warnings":
            try value.forEachElement { (_, warning) throws(SlotSyncError) in
                if let text = warning.text, warnings.count < PrometheusAnswer.mostWarnings { warnings.append(text) }
            }
        case "data":
            try value.forEachMember { (key, value) throws(SlotSyncError) in
                switch key {
                case "resultType": resultType = value.text
                case "result": try takeResult(value)
                default: break
                }
            }
        default: break
        }
    }

    /// A vector is an array of objects, a scalar one of a time and a text.
    private mutating func takeResult(_ value: JSONElement) throws(SlotSyncError) {
        hasResult = value.isArray
        try value.forEachElement { (_, element) throws(SlotSyncError) in
            if element.isObject { series.append(try Self.series(element, &hasHistogram)) }
            if let text = element.text { scalar = text }
        }
    }

    private static func series(
        _ element: JSONElement, _ hasHistogram: inout Bool
    ) throws(SlotSyncError) -> PrometheusAnswer.Series {
        var one = PrometheusAnswer.Series()
        try element.forEachMember { (key, value) throws(SlotSyncError) in
            switch key {
            case "metric":
                try value.forEachMember { (name, label) throws(SlotSyncError) in
                    one.labels.append((name, label.text ?? ""))
                }
            case "value": try value.forEachElement { (_, part) in if let text = part.text { one.value = text } }
            case "histogram": hasHistogram = true
            default: break
            }
        }
        return one
    }
}
