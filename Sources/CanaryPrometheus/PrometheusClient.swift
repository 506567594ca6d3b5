// An HTTP client for Prometheus servers, by libcurl. Each connection blocks a thread of its own, none of Swift's
// cooperative pool. There are never more connections than the sampler's requests at once.

import CCurl
public import Glibc
public import SlotSync

/// Sends requests by libcurl, and keeps connections open from one to the next.
public actor PrometheusClient: PrometheusTransport {
    /// Connections that nobody uses at the moment.
    private var idle: [CurlConnection] = []
    private let authorities: String?

    /// - Parameter authorities: A file of certificates to verify servers by; nil: the system's. The environment's
    ///   SSL_CERT_FILE names one, as for other programs.
    /// - Throws: ``SlotSyncError`` with code `system` if libcurl is not installed.
    public init(authorities: String? = getenv("SSL_CERT_FILE").map { String(cString: $0) }) throws(SlotSyncError) {
        self.authorities = authorities?.isEmpty == true ? nil : authorities
        guard let failure = sc_load() else { return }
        throw SlotSyncError(
            .system,
            "metrics from Prometheus need libcurl (on Debian: apt-get install libcurl4): \(String(cString: failure))")
    }

    public func send(
        _ call: PrometheusCall, within limit: Duration
    ) async throws(PrometheusGap) -> PrometheusResponse {
        let deadline = ContinuousClock.now + limit
        let connection = if let used = idle.popLast() { used } else { try CurlConnection(authorities) }
        defer { idle.append(connection) }
        var call = call
        for _ in 0...PrometheusCall.mostRedirections {
            let answer = try await connection.send(call, within: deadline - .now)
            guard (300..<400).contains(answer.response.status), let location = answer.redirection,
                let redirected = call.redirected(to: location)
            else { return answer.response }
            call = redirected
        }
        throw PrometheusGap(.unreachable, "more than \(PrometheusCall.mostRedirections) redirections in a row")
    }
}

/// One connection, and the thread that waits for it.
private actor CurlConnection {
    private let executor = QueueExecutor(label: "slotsync.prometheus")
    private let handle: Handle
    private let cancellation: CInt

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(_ authorities: String?) throws(PrometheusGap) {
        handle = try Handle(authorities)
        cancellation = sc_cancellation(handle.connection)
    }

    /// The one owner of libcurl's side.
    private final class Handle {
        let connection: OpaquePointer

        init(_ authorities: String?) throws(PrometheusGap) {
            guard let connection = sc_open(authorities) else {
                throw PrometheusGap(.unreachable, "no connection can be made: memory or descriptors have run out")
            }
            self.connection = connection
        }

        deinit { sc_close(connection) }
    }

    /// An answer, and where it redirects to.
    typealias Answer = (response: PrometheusResponse, redirection: String?)

    /// One exchange. When the task is cancelled it ends at once.
    nonisolated func send(_ call: PrometheusCall, within limit: Duration) async throws(PrometheusGap) -> Answer {
        sc_forget_cancellation(cancellation)
        let result = await withTaskCancellationHandler {
            await exchange(call, within: limit)
        } onCancel: {
            sc_cancel(cancellation)
        }
        return try result.get()
    }

    /// Whole header lines as C has them, ended by NULL.
    private func withHeaders<Result>(
        _ headers: [PrometheusAccess.Header], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Result
    ) -> Result {
        let lines = headers.map { strdup("\($0.name): \($0.value)") }
        defer { for line in lines { free(line) } }
        let pointers = lines.map { $0.map { UnsafePointer($0) } } + [nil]
        return pointers.withUnsafeBufferPointer { body($0.baseAddress!) }
    }

    private func exchange(_ call: PrometheusCall, within limit: Duration) -> Result<Answer, PrometheusGap> {
        let milliseconds = limit.wholeMilliseconds
        guard milliseconds > 0 else { return .failure(PrometheusGap(.timedOut, "the time is over")) }
        let form = call.method == .post ? call.form : nil
        let answer = withHeaders(call.headers) { headers in
            sc_send(
                handle.connection, call.url, headers, form, form?.utf8.count ?? 0, milliseconds,
                PrometheusResponse.largestBody)
        }
        switch answer.outcome {
        case SC_ANSWERED:
            let body = [UInt8](UnsafeBufferPointer(start: answer.body, count: answer.length))
            let response = PrometheusResponse(status: Int(answer.status), body: body)
            return .success((response, answer.redirection.map { String(cString: $0) }))
        case SC_TIMED_OUT: return .failure(PrometheusGap(.timedOut, "no whole answer came in time"))
        case SC_TOO_LARGE:
            return .failure(
                PrometheusGap(
                    .malformed,
                    "the answer is larger than \(PrometheusResponse.largestBody >> 20) MiB; "
                        + "aggregate the query's result to one series for each host"))
        case SC_CANCELLED: return .failure(PrometheusGap(.cancelled, "it was not waited for"))
        default: return .failure(PrometheusGap(.unreachable, String(cString: answer.failure)))
        }
    }
}
