// What a push went on without when the settings or a person let an inconclusive judgement pass: metrics that lacked
// something, and hosts that fell silent. Each is warned of once, however often it is lacking, and named again at the
// end. Rollout keeps it.

import SlotSync

struct PassedLacks: Sendable {
    /// What was lacking, as parts of a sentence, in the order of time: one for each metric, and one for hosts that fell
    /// silent together.
    private(set) var lacks: [String] = []
    private var known: Set<String> = []
    private var lost: Set<String> = []

    /// Takes what an inconclusive judgement lacked.
    ///
    /// - Returns: what of it concerns no metric and no host that is known already.
    mutating func note(_ judgement: Judgement) -> [String] {
        var found = judgement.metrics.filter { $0.verdict == .inconclusive && !$0.note.isEmpty }
            .map { (about: $0.name, lack: $0.note) }
        if found.isEmpty, judgement.lost.isEmpty { found = [(judgement.why, Sentences.reason(judgement.why))] }
        var new = found.filter { known.insert($0.about).inserted }.map(\.lack)
        let newlyLost = judgement.lost.filter { lost.insert($0).inserted }
        if !newlyLost.isEmpty { new.insert("\(HostList.fold(newlyLost)) fell silent after the flip", at: 0) }
        lacks += new
        return new
    }
}
