// Times and numbers of hosts as the rollout's sentences have them.

enum RolloutText {
    /// `60 s`, `0.5 s`
    static func seconds(_ time: Double) -> String {
        guard time.isFinite, abs(time) < 1e9, time == time.rounded() else { return "\(time) s" }
        return "\(Int(time)) s"
    }

    /// `1 host`, `17 hosts`
    static func hosts(_ count: Int) -> String { count == 1 ? "1 host" : "\(count) hosts" }
}
