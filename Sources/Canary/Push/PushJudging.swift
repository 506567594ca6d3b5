// How a push is judged while it runs: Rollout asks for a comparison, its recording is cut out of the samples, judged
// beside the loop, and kept with its judgement.

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
        Task { @concurrent in
            await noteDetection(Judge(comparison.settings).detectionBeforeFlip(recording))
            post.yield(.rollout(.baselineChecked(lack)))
        }
    }

    func judge(_ comparison: Comparison, look: Int, isLast: Bool) {
        Task { @concurrent [samples, name = caseName(comparison.kind)] in
            let judged = JudgedComparison(comparison, of: samples, name: name, isLast: isLast)
            await noteJudgement(judged, isLast: isLast)
            post.yield(.rollout(.judged(judged.judgement, look: look)))
        }
    }

    /// What the comparison is called in a record: the release and the hosts that were flipped.
    private func caseName(_ kind: Comparison.Kind) -> String {
        staged.map { "\($0.release.id) \(kind)" } ?? "\(kind)"
    }

    private func noteDetection(_ detection: Detection) {
        self.detection = detection
        emit.yield(.detectable(detection))
    }

    private func noteJudgement(_ judged: JudgedComparison, isLast: Bool) {
        if let last = comparisons.last, last.kind == judged.kind { comparisons.removeLast() }
        comparisons.append(judged)
        emit.yield(.judged(judged.judgement, kind: judged.kind, isLast: isLast))
        showProgress()
    }
}

extension JudgedComparison {
    /// Cuts a comparison out of the samples, and judges it.
    ///
    /// - Parameters:
    ///   - name: what it is called in a record.
    ///   - isLast: whether its time is over: what is too little then stays too little.
    package init(_ comparison: Comparison, of samples: SampleLog, name: String, isLast: Bool) {
        let settings = comparison.settings
        kind = comparison.kind
        recording = samples.recording(of: comparison, name: name)
        recording.settle = settings.settle
        recording.window = settings.window
        recording.significance = settings.significance
        for metric in recording.metrics.indices where recording.metrics[metric].tolerance == nil {
            recording.metrics[metric].tolerance = settings.tolerance
        }
        guard kind != .guarding else {
            judgement = FleetGuard(settings).judge(recording, isLast: isLast)
            return
        }
        let count = recording.samplesAfter
        let planned = settings.plannedSamples(every: samples.interval)
        // At the end of the time all of the significance is spent, however many samples there are.
        judgement = Judge(settings, naming: kind.flippedName).look(
            recording, afterSamples: count, of: isLast ? count : max(planned, count + 1))
    }
}
