// Pushes as they happen, made up but lifelike, for the tests of the report: the same at every run. Levels and noise are in
// the manner of web servers: gauges that drift together, counters that are mostly zero, caches that are cold after a flip.

public import Canary
public import CanaryReport
import SlotSync
import Synchronization

/// A push to be reported.
public enum SamplePush: String, Sendable, CaseIterable {
    /// A good release that goes live, watched by a guard.
    case good
    /// Errors multiply on the canaries, which go back before their window is over.
    case bad
    /// Flips and windows a few seconds apart; a regression that begins in the watch, so that all go back.
    case late
    /// The canary's log falls silent, so nothing can be told.
    case inconclusive
    /// A regression that the guard of the watch sees, with no host left to compare with.
    case guarded
    /// Everybody at once: nothing is measured or judged.
    case unjudged
    /// 300 hosts, 20 canaries, two further subsets, hosts held back, six metrics, some hosts in trouble.
    case large
    /// It failed before any host was flipped.
    case failed
    /// A person ended it before anything was judged.
    case interrupted

    /// What the push came to.
    public var result: PushResult {
        get throws {
            if let known = Self.known.withLock({ $0[self] }) { return known }
            let result = try simulated.run()
            Self.known.withLock { $0[self] = result }
            return result
        }
    }

    private static let known = Mutex<[SamplePush: PushResult]>([:])

    /// Its page. Of pushes that judged nothing nothing was recorded.
    public var page: ReportPage { get throws { Self.page(of: try result) } }

    /// A page as the command makes it.
    public static func page(of result: PushResult, recording: String? = "push.jsonl") -> ReportPage {
        ReportPage(
            result, title: "www.example.com",
            command: "slotsync push build/site --report push.html --record push.jsonl", version: "0.4.0",
            recording: result.comparisons.contains(where: \.hasControls) ? recording : nil)
    }

    // MARK: What they are like

    private var simulated: SimulatedPush {
        switch self {
        case .good:
            var push = SimulatedPush(hosts: 20, seed: 1)
            push.settings.hosts = .portion(.count(3))
            push.metrics = [Self.load(), Self.cpu(), Self.errors(0.9), Self.p95()]
            return push
        case .bad:
            var push = SimulatedPush(hosts: 100, seed: 2)
            push.settings.hosts = .portion(.count(3))
            push.metrics = [Self.load(), Self.cpu(), Self.errors(0.4, change: 35), Self.dies()]
            return push
        case .late:
            var push = SimulatedPush(hosts: 12, seed: 7)
            push.settings = CanarySettings(
                hosts: .portion(.count(1)), phases: [.count(4)], holdBack: .count(2), baseline: 10, window: 10,
                settle: 1, interval: 1, watch: 20)
            var errors = Self.errors(20, change: 8)
            errors.changesAt = 40
            push.metrics = [Self.load(0.3), errors]
            push.staging = 0.3
            return push
        case .inconclusive:
            var push = SimulatedPush(hosts: 8, seed: 3)
            push.settings.hosts = .portion(.count(1))
            var errors = Self.errors(2)
            errors.fallsSilent = true
            push.metrics = [Self.load(0.4), errors]
            return push
        case .guarded:
            var push = SimulatedPush(hosts: 20, seed: 34)
            push.settings.hosts = .portion(.count(2))
            var errors = Self.errors(6, change: 60)
            errors.changesAt = 200
            push.metrics = [Self.load(1.1), errors]
            return push
        case .unjudged:
            var push = SimulatedPush(hosts: 4, seed: 5)
            push.mode = .unjudged
            return push
        case .large: return Self.largePush
        case .failed:
            var push = SimulatedPush(hosts: 5, seed: 6)
            push.settings.hosts = .portion(.count(1))
            push.metrics = [Self.load()]
            push.troubles = [
                .init(
                    host: 3, request: .stage,
                    reason: "/srv/www/slots/2: no space left on device; make room there, then push again")
            ]
            return push
        case .interrupted:
            var push = SimulatedPush(hosts: 12, seed: 8)
            push.settings.hosts = .portion(.count(2))
            push.metrics = [Self.load()]
            push.interruption = 8
            return push
        }
    }

    /// As large a push as a report has to stay readable for.
    private static var largePush: SimulatedPush {
        var push = SimulatedPush(hosts: 300, seed: 9)
        push.settings = CanarySettings(
            hosts: .portion(.count(20)), phases: [.count(50), .count(150)], holdBack: .count(15))
        push.maxFailures = .count(5)
        push.metrics = [
            load(6.1), cpu(), p95(), errors(6), dies(0.3),
            metric("http_5xx_per_s", level: 14_200, noise: 0.2),
        ]
        push.troubles = [60, 157, 254].map { host in
            .init(
                host: host, request: .prepare, reason: "no answer for 60 s: the connection is given up", isLost: true)
        }
        push.troubles += [60, 157, 254].map { host in
            .init(host: host, request: .recover, reason: "no answer for 60 s: the connection is given up")
        }
        push.troubles.append(
            .init(
                host: 200, request: .flip,
                reason: "after_flip hook failed with status 1:\nJob for php8.2-fpm.service failed.\nSee \"systemctl "
                    + "status\"."))
        push.staging = 369.8
        push.looksEarly = false
        (push.files, push.bytes) = (12_409, 84_120_331)
        return push
    }

    private static func metric(
        _ name: String, kind: Metric.Kind = .gauge, level: Double, noise: Double = 0.1, isCritical: Bool = false,
        tolerance: Double? = nil
    ) -> SimulatedMetric {
        var metric = SimulatedMetric(
            MetricSettings(
                name: name, source: .host(.command("metrics")), kind: kind, tolerance: tolerance,
                isCritical: isCritical), level: level)
        metric.noise = noise
        return metric
    }

    private static func load(_ level: Double = 2.3) -> SimulatedMetric { metric("load", level: level, noise: 0.12) }

    private static func cpu() -> SimulatedMetric {
        var cpu = SimulatedMetric(MetricSettings(name: "cpu", source: .host(.cpu)), level: 41)
        cpu.noise = 0.06
        return cpu
    }

    private static func p95() -> SimulatedMetric {
        var p95 = metric("p95_ms", level: 182, noise: 0.09, tolerance: 0.05)
        p95.isCold = true
        return p95
    }

    /// - Parameter rate: events a minute and host.
    private static func errors(_ rate: Double, change: Double = 1) -> SimulatedMetric {
        var errors = metric("php_errors", kind: .counter, level: rate)
        errors.change = change
        return errors
    }

    private static func dies(_ rate: Double = 0.02) -> SimulatedMetric {
        metric("dies", kind: .counter, level: rate, isCritical: true)
    }
}
