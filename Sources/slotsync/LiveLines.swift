// What a push shows while it runs: its phases in one line, then one line for each metric. A value goes in, lines come out
// that fit the terminal; who draws them, and how often, is the command's business.

import Canary
import SlotSync

/// The state of a push, as the live view shows it.
struct LiveLines: Sendable, Equatable {
    /// A part of the push, as the line of phases names it.
    struct Phase: Sendable, Hashable {
        /// How far it is. `failed`: it ended the push.
        enum State: Sendable, Hashable { case done, running, ahead, failed }

        /// One word or two: "base line".
        var name: String
        var state: State

        init(name: String, state: State) {
            self.name = name
            self.state = state
        }
    }

    var phases: [Phase]
    /// Seconds until the running phase ends; nil: unknown.
    var timeLeft: Double?
    /// What is said of the running phase beside that: "38 of 100 hosts, 12.3 MB, 4.1 MB/s"; empty: nothing.
    var detail: String
    var metrics: [MetricProgress]
    /// What the two columns of levels are of.
    var sides: FlippedName

    init(
        phases: [Phase], timeLeft: Double? = nil, detail: String = "", metrics: [MetricProgress] = [],
        sides: FlippedName = .canaries
    ) {
        self.phases = phases
        self.timeLeft = timeLeft
        self.detail = detail
        self.metrics = metrics
        self.sides = sides
    }

    /// The lines, none of them longer than `width` columns, without escape sequences.
    ///
    /// - Parameters:
    ///   - width: The terminal's columns; from 80 on everything has its place, below that what matters least is left out.
    ///   - height: How many lines there is room for.
    ///   - style: Whether the terminal shows more than ASCII.
    func lines(width: Int, height: Int = .max, style: Sparkline.Style = .blocks) -> [String] {
        guard width > 0, height > 0 else { return [] }
        var lines = [phaseLine(width: width, style: style)]
        if !detail.isEmpty {
            lines.append(TextColumns.clipped("  " + detail, columns: width, ellipsis: style.ellipsis))
        }
        if !metrics.isEmpty {
            let layout = Layout(metrics, width: width)
            lines.append(layout.heading(sides, style: style))
            lines += metrics.map { layout.line($0, style: style) }
        }
        if lines.count > height {
            let left = lines.count - height + 1
            lines.removeLast(left)
            lines.append(TextColumns.clipped("\(left) more", columns: width, ellipsis: style.ellipsis))
        }
        return lines.map { line in
            let shown = style == .ascii ? String(line.unicodeScalars.map(asciiForm).joined()) : line
            var end = shown[...]
            while end.last == " " { end.removeLast() }
            return String(end)
        }
    }

    // MARK: Phases

    /// `✓ staged  ✓ base line  ▸ window  · everybody  · watch           38 s left`
    private func phaseLine(width: Int, style: Sparkline.Style) -> String {
        guard let timeLeft, timeLeft.isFinite else { return phaseNames(width: width, style: style) }
        let left = TimeText.rounded(max(timeLeft, 0).rounded(.up)) + " left"
        let room = width - TextColumns.count(left) - 2
        guard room > 0 else { return TextColumns.clipped(left, columns: width, ellipsis: style.ellipsis) }
        return TextColumns.fitted(phaseNames(width: room, style: style), columns: room, ellipsis: style.ellipsis) + "  "
            + left
    }

    /// Where there is no room for all, what is done goes first, and then what is ahead: the one under way stays.
    private func phaseNames(width: Int, style: Sparkline.Style) -> String {
        func text(_ some: ArraySlice<Phase>, _ start: String = "") -> String {
            start + some.map { "\($0.state.sign(style)) \($0.name)" }.joined(separator: "  ")
        }
        var shown = phases[...]
        var line = text(shown)
        while TextColumns.count(line) > width, let first = shown.first, first.state != .running, shown.count > 1 {
            shown.removeFirst()
            line = text(shown, style.ellipsis + " ")
        }
        return TextColumns.clipped(line, columns: width, ellipsis: style.ellipsis)
    }

    // MARK: Metrics

    /// Which columns there is room for, and how wide they are.
    private struct Layout {
        private static let number = 10
        private static let change = 8
        private static let p = 6
        private static let found = 9
        private static let shortestSparkline = 9
        private static let longestSparkline = 60
        private static let longestName = 24

        var name: Int
        var hasLevels = true
        var hasChange = true
        var sparkline: Int
        let width: Int

        init(_ metrics: [MetricProgress], width: Int) {
            let longest = metrics.map { TextColumns.count($0.metric.name) }.max() ?? 0
            self.width = width
            name = min(max(longest, 6), Self.longestName)
            // A long name gives way before the sparkline does.
            let fixed = 2 * (Self.number + 2) + Self.change + 2 + Self.p + 2 + Self.found + 2
            if width - name - fixed < Self.shortestSparkline + 2 { name = min(name, 14) }
            sparkline = min(width - name - fixed - 2, Self.longestSparkline)
            if sparkline < Self.shortestSparkline { sparkline = 0 }
            if width < name + fixed { hasChange = false }
            if width < name + fixed - Self.change - 2 { hasLevels = false }
        }

        func heading(_ sides: FlippedName, style: Sparkline.Style) -> String {
            row("metric", sides.names.0, sides.names.1, "over time", "change", "p", "so far", style: style)
        }

        func line(_ line: MetricProgress, style: Sparkline.Style) -> String {
            let found = line.judgement
            func level(_ value: Double?) -> String {
                guard let value, value.isFinite else { return NumberText.none }
                let number = NumberText.level(value)
                let unit = line.metric.kind == .counter ? "/min" : line.unit.isEmpty ? "" : " " + line.unit
                // A unit that does not fit is left out rather than the number's end.
                return TextColumns.count(number + unit) <= Self.number ? number + unit : number
            }
            return row(
                line.metric.name, level(found?.canaryLevel ?? line.canaryLevel),
                level(found?.controlLevel ?? line.controlLevel),
                Sparkline.text(line.canaries, width: max(sparkline, 0), style: style, range: Self.range(of: line)),
                found?.effect.map(NumberText.change) ?? NumberText.none,
                found?.p.map(Self.probability) ?? NumberText.none, Self.word(found), style: style)
        }

        /// A counter's bars stand on zero. A gauge's show a quarter up and down at least, so that its noise stays small.
        private static func range(of line: MetricProgress) -> ClosedRange<Double>? {
            let known = line.canaries.filter(\.isFinite)
            guard let least = known.min(), let most = known.max() else { return nil }
            guard line.metric.kind == .gauge else { return min(least, 0)...max(most, 0) }
            let mean = known.reduce(0) { $0 + $1 / Double(known.count) }
            let room = (mean - abs(mean) / 4, mean + abs(mean) / 4)
            return room.0.isFinite && room.1.isFinite ? min(least, room.0)...max(most, room.1) : least...most
        }

        /// With one digit where two do not fit.
        private static func probability(_ p: Double) -> String {
            let text = NumberText.probability(p)
            return TextColumns.count(text) <= Self.p ? text : NumberText.exponential(p, digits: 1)
        }

        private static func word(_ found: MetricJudgement?) -> String {
            switch found?.verdict {
            case .pass: "ok so far"
            case .regression: "WORSE"
            // What was tested and is not worse stays so unless a later look says otherwise.
            case .inconclusive: found?.isUndecided == true && found?.p != nil ? "ok so far" : "unclear"
            case nil: "waiting"
            }
        }

        private func row(
            _ name: String, _ canaries: String, _ controls: String, _ sparkline: String, _ change: String, _ p: String,
            _ found: String, style: Sparkline.Style
        ) -> String {
            func right(_ text: String, _ columns: Int) -> String {
                TextColumns.fitted(text, columns: columns, alignedRight: true, ellipsis: style.ellipsis)
            }
            var cells = [TextColumns.fitted(name, columns: self.name, ellipsis: style.ellipsis)]
            if hasLevels { cells += [right(canaries, Self.number), right(controls, Self.number)] }
            if self.sparkline > 0 {
                cells.append(TextColumns.fitted(sparkline, columns: self.sparkline, ellipsis: style.ellipsis))
            }
            if hasChange { cells.append(right(change, Self.change)) }
            cells += [right(p, Self.p), TextColumns.fitted(found, columns: Self.found, ellipsis: style.ellipsis)]
            return TextColumns.clipped(cells.joined(separator: "  "), columns: width, ellipsis: style.ellipsis)
        }
    }

    /// The plain form of what this view itself writes; what else is not ASCII becomes a question mark.
    private func asciiForm(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "−", "–": "-"
        case "×": "x"
        case "±": "~"
        default: scalar.isASCII ? String(scalar) : String(repeating: "?", count: TextColumns.count(String(scalar)))
        }
    }
}

extension Sparkline.Style {
    fileprivate var ellipsis: String { self == .blocks ? "…" : "..." }
}

extension LiveLines.Phase.State {
    fileprivate func sign(_ style: Sparkline.Style) -> String {
        switch (self, style) {
        case (.done, .blocks): "✓"
        case (.done, .ascii): "+"
        case (.running, .blocks): "▸"
        case (.running, .ascii): ">"
        case (.ahead, .blocks): "·"
        case (.ahead, .ascii): "."
        case (.failed, .blocks): "✗"
        case (.failed, .ascii): "!"
        }
    }
}

extension FlippedName {
    fileprivate var names: (String, String) {
        switch self {
        case .canaries: ("canaries", "controls")
        case .flippedHosts: ("flipped", "controls")
        case .allHosts: ("hosts", "before")
        }
    }
}
