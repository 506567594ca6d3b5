// How a push is judged while it runs: the comparison that Rollout asks for is cut out of the samples, judged beside
// the loop, and kept with its judgement.

import SlotSync

extension PushDriver {
    func checkBaseline(_ comparison: Comparison) {
        let recording = samples.recording(of: comparison, name: caseName(comparison.kind))
        let lack = Judge.lackBeforeFlip(recording)
        if let lack {
            noteJudgement(
                JudgedComparison(kind: comparison.kind, recording: recording, judgement: lack), isLast: true)
        }
        guard lack == nil || options.canary.onInconclusive != .rollback else {
            post.yield(.rollout(.baselineChecked(lack)))
            return
        }
        Task {
            let detection = await Self.detection(by: recording, comparison.settings)
            self.detection = detection
            emit.yield(.detectable(detection))
            post.yield(.rollout(.baselineChecked(lack)))
        }
    }

    func judge(_ comparison: Comparison, look: Int, isLast: Bool) {
        var recording = samples.recording(of: comparison, name: caseName(comparison.kind))
        recording.settle = comparison.settings.settle
        recording.window = comparison.settings.window
        recording.significance = comparison.settings.significance
        for metric in recording.metrics.indices where recording.metrics[metric].tolerance == nil {
            recording.metrics[metric].tolerance = comparison.settings.tolerance
        }
        let planned = comparison.settings.plannedSamples(every: samples.interval)
        Task {
            let judgement = await Self.judgement(of: recording, comparison, planned: planned, isLast: isLast)
            noteJudgement(
                JudgedComparison(kind: comparison.kind, recording: recording, judgement: judgement), isLast: isLast)
            post.yield(.rollout(.judged(judgement, look: look)))
        }
    }

    /// What the comparison is called in a record: the release and the hosts that were flipped.
    private func caseName(_ kind: Comparison.Kind) -> String {
        staged.map { "\($0.release.id) \(kind)" } ?? "\(kind)"
    }

    @concurrent private static func detection(by recording: Recording, _ settings: JudgeSettings) async -> Detection {
        Judge(settings).detectionBeforeFlip(recording)
    }

    @concurrent private static func judgement(
        of recording: Recording, _ comparison: Comparison, planned: Int, isLast: Bool
    ) async -> Judgement {
        if case .guarding = comparison.kind {
            return FleetGuard(comparison.settings).judge(recording, isLast: isLast)
        }
        let count = recording.samplesAfter
        // At the end of the time all of the significance is spent, however many samples there are.
        return Judge(comparison.settings, naming: comparison.kind.flippedName).look(
            recording, afterSamples: count, of: isLast ? count : max(planned, count + 1))
    }

    private func noteJudgement(_ judged: JudgedComparison, isLast: Bool) {
        if let last = comparisons.last, last.kind == judged.kind { comparisons.removeLast() }
        comparisons.append(judged)
        emit.yield(.judged(judged.judgement, kind: judged.kind, isLast: isLast))
        showProgress()
    }
}
