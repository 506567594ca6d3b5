// What a push went on without: which metric lacked what when a judgement was inconclusive, and the settings or a person let
// it pass. Rollout keeps it, so that a metric is warned of once, however many judgements lack it, and named at the end.

import SlotSync

struct PassedLacks: Sendable {
    /// What was lacking, as parts of a sentence, in the order of time: one for each metric.
    private(set) var lacks: [String] = []
    private var known: Set<String> = []

    var isEmpty: Bool { lacks.isEmpty }

    /// Takes what an inconclusive judgement lacked.
    ///
    /// - Returns: what of it concerns no metric that is known already.
    mutating func note(_ judgement: Judgement) -> [String] {
        var found = judgement.metrics.filter { $0.verdict == .inconclusive && !$0.note.isEmpty }
            .map { (about: $0.name, lack: $0.note) }
        // Where no metric lacks anything, canaries fell silent.
        if found.isEmpty { found = [(judgement.why, Sentences.reason(judgement.why))] }
        let new = found.filter { known.insert($0.about).inserted }.map(\.lack)
        lacks += new
        return new
    }
}
