// A batch of lines from a file of recorded pushes, and what `slotsync judge` prints for it.

import Canary
import CanaryRecording
import SlotSync

/// A few lines of a file, read together so that a task is worth its start.
struct RecordedPushes: Sendable {
    struct Line: Sendable {
        var number: Int
        var bytes: [UInt8]
    }

    /// A batch has at least so many bytes, unless the file ends.
    static let usualLength = 256 << 10

    var file: String
    var lines: [Line]
    /// Bytes of all lines.
    var length = 0

    /// The next batch; nil at the file's end. Lines that are empty are skipped.
    init?(from reader: inout LineReader, file: String) throws {
        self.file = file
        lines = []
        while length < Self.usualLength, let bytes = try reader.next() {
            guard bytes.contains(where: { !Self.isSpace($0) }) else { continue }
            lines.append(Line(number: reader.number, bytes: bytes))
            length += bytes.count
        }
        if lines.isEmpty { return nil }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0d }

    // MARK: Judging

    /// What is printed: verdicts up to the first line that cannot be read, and why it cannot.
    struct Judged: Sendable {
        var output = ""
        var failure: SlotSyncError?
    }

    func judged(by settings: RecordedJudge) -> Judged {
        var judged = Judged()
        let reader: RecordingReader
        do { reader = try RecordingReader() } catch { return Judged(failure: error) }
        for line in lines {
            switch read(line, by: reader) {
            case .success(let recording): judged.output += settings.line(for: recording) + "\n"
            case .failure(let error):
                judged.failure = error
                return judged
            }
        }
        return judged
    }

    private func read(_ line: Line, by reader: RecordingReader) -> Result<Recording, SlotSyncError> {
        let recording = Result { () throws(SlotSyncError) in try reader.read(line.bytes) }
        return recording.mapError { SlotSyncError($0.code, "\(file) line \(line.number): \($0.message)") }
    }
}

/// How recordings are judged, whatever their length.
struct RecordedJudge: Sendable {
    var settings: JudgeSettings
    /// Seconds after the flip that are left out; nil: as the recording has it.
    var settle: Double?
    /// The chance of a false rollback; nil: as the recording has it.
    var significance: Double?
    /// Seconds after the flip that are looked at; nil: all.
    var window: Double?
    var looks: Bool

    /// The verdict as one line of JSON.
    func line(for recording: Recording) -> String {
        let recording = window.map { recording.cut(after: $0) } ?? recording
        var settings = settings
        settings.significance = significance ?? recording.significance ?? settings.significance
        if let settle = settle ?? recording.settle { settings.settle = settle }
        settings.window = Double(recording.samplesAfter) * recording.interval
        let judge = Judge(settings)
        guard looks else { return Self.json(recording.name, judge.judge(recording)).line }
        let (judgement, seconds) = judge.looks(recording, of: recording.plannedSamples)
        return Self.json(recording.name, judgement, seconds: .some(seconds)).line
    }

    private static func json(_ name: String, _ judgement: Judgement, seconds: Double?? = .none) -> JSONValue {
        let metrics = judgement.metrics.map { metric -> JSONValue in
            var members: [JSONValue.Member] = [
                .init(key: "name", value: .text(metric.name)), .init(key: "p", value: .number(metric.p)),
                .init(key: "effect", value: .effect(metric.effect)),
                .init(key: "verdict", value: .text(metric.verdict.rawValue)),
            ]
            if let canary = metric.canary { members.append(.init(key: "canary", value: .text(canary))) }
            return .object(members)
        }
        var members: [JSONValue.Member] = [
            .init(key: "case", value: .text(name)), .init(key: "verdict", value: .text(judgement.verdict.rawValue)),
            .init(key: "metrics", value: .list(metrics)), .init(key: "why", value: .text(judgement.why)),
        ]
        if let seconds { members.append(.init(key: "seconds", value: .number(seconds))) }
        return .object(members)
    }
}

extension Recording {
    /// Samples that the window was to have; nil where nobody says.
    fileprivate var plannedSamples: Int? {
        window.map { JudgeSettings.samples(in: $0, every: interval) }
    }

    /// The recording as it stood so many seconds after the flip.
    fileprivate func cut(after seconds: Double) -> Recording {
        // Samples are numbered by their ends.
        let samples = JudgeSettings.samples(in: seconds, every: interval)
        var cut = self
        cut.window = nil
        for host in cut.hosts.indices {
            cut.hosts[host].after = cut.hosts[host].after.map { Array($0.prefix(samples)) }
        }
        return cut
    }
}
