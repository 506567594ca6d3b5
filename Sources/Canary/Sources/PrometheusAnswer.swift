// What a server answered to an instant query, as a value: the JSON of Prometheus's HTTP API is read here and nowhere
// else (https://prometheus.io/docs/prometheus/latest/querying/api/). The server is not believed: the body's length is
// bounded by the transport, nesting by the reader, and whatever the API does not have is malformed.

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

    /// - Throws: a gap of kind `malformed`, or `unreachable` where something between here and Prometheus answered.
    static func parse(_ response: PrometheusResponse, from server: PrometheusServer) throws(PrometheusGap) -> Self {
        var draft = Draft()
        do {
            var reader = JSONReader(response.body)
            try reader.object { (reader, key) throws(JSONReader.Fault) in try draft.take(key, &reader) }
            try reader.end()
        } catch {
            throw notPrometheus(response.status, server, error)
        }
        guard let outcome = draft.outcome else {
            throw PrometheusGap(
                .malformed,
                "\(server): answered HTTP \(response.status) with JSON that Prometheus's API does not have; "
                    + "is the URL that of a Prometheus server?")
        }
        return PrometheusAnswer(outcome: outcome, warnings: draft.warnings)
    }

    /// What is said of an answer that is no JSON: usually a proxy's, or that of another program.
    private static func notPrometheus(
        _ status: Int, _ server: PrometheusServer, _ fault: JSONReader.Fault
    ) -> PrometheusGap {
        switch status {
        case 200..<300:
            PrometheusGap(
                .malformed,
                "\(server): the answer is not JSON (at byte \(fault.offset): \(fault.what)); "
                    + "is the URL that of a Prometheus server?")
        case 300..<400:
            PrometheusGap(
                .unreachable, "\(server): redirects to another host (HTTP \(status)); name that one in the URL")
        case 401, 403:
            PrometheusGap(
                .unreachable,
                "\(server): asks who we are (HTTP \(status)); write the URL as https://user:password@host")
        case 404, 405:
            PrometheusGap(
                .unreachable, "\(server): has no /api/v1/query (HTTP \(status)); is the path in the URL right?")
        default:
            PrometheusGap(.unreachable, "\(server): answered HTTP \(status), not by Prometheus's API")
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
    var hasHistogram = false

    var outcome: PrometheusAnswer.Outcome? {
        switch (status, resultType) {
        case ("error", _): .error(type: errorType, message: error)
        case ("success", "vector"): hasHistogram ? .unusable("histogram") : .vector(series)
        case ("success", "scalar"): scalar.map { .scalar($0) }
        case ("success", "matrix"), ("success", "string"): .unusable(resultType ?? "")
        default: nil
        }
    }

    mutating func take(_ key: String, _ reader: inout JSONReader) throws(JSONReader.Fault) {
        switch key {
        case "status": status = try reader.string()
        case "errorType": errorType = try reader.string()
        case "error": error = try reader.string()
        case "warnings": try takeWarnings(&reader)
        case "data":
            guard try reader.next() == .object else { return try reader.skip() }
            try reader.object { (reader, key) throws(JSONReader.Fault) in
                switch key {
                case "resultType": resultType = try reader.string()
                case "result": try takeResult(&reader)
                default: try reader.skip()
                }
            }
        default: try reader.skip()
        }
    }

    private mutating func takeWarnings(_ reader: inout JSONReader) throws(JSONReader.Fault) {
        guard try reader.next() == .array else { return try reader.skip() }
        try reader.array { (reader) throws(JSONReader.Fault) in
            let warning = try reader.string()
            if warnings.count < PrometheusAnswer.mostWarnings { warnings.append(warning) }
        }
    }

    /// A vector is an array of objects, a scalar one of a time and a text.
    private mutating func takeResult(_ reader: inout JSONReader) throws(JSONReader.Fault) {
        try reader.array { (reader) throws(JSONReader.Fault) in
            switch try reader.next() {
            case .object: series.append(try takeSeries(&reader))
            case .string: scalar = try reader.string()
            default: try reader.skip()
            }
        }
    }

    private mutating func takeSeries(
        _ reader: inout JSONReader
    ) throws(JSONReader.Fault) -> PrometheusAnswer.Series {
        var one = PrometheusAnswer.Series()
        try reader.object { (reader, key) throws(JSONReader.Fault) in
            switch key {
            case "metric":
                try reader.object { (reader, name) throws(JSONReader.Fault) in
                    one.labels.append((name, try reader.string()))
                }
            case "value":
                try reader.array { (reader) throws(JSONReader.Fault) in
                    if try reader.next() == .string { one.value = try reader.string() } else { try reader.skip() }
                }
            case "histogram":
                hasHistogram = true
                try reader.skip()
            default: try reader.skip()
            }
        }
        return one
    }
}
