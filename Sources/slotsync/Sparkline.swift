// A row of small bars, for a terminal: the height of a metric over time in as many characters as there is room. LiveLines
// draws one for each metric.

/// Draws series as text.
enum Sparkline {
    /// Which characters a terminal can show.
    enum Style: Sendable, Hashable { case blocks, ascii }

    private static let blocks = Array("▁▂▃▄▅▆▇█")
    private static let ascii = Array("_.-:=+*#")

    /// `values` as `width` characters, the first value leftmost.
    ///
    /// More values than characters are averaged in runs; fewer leave the rest blank. A missing value (NaN) is a blank,
    /// so that a series which is padded with NaN shows how much is to come.
    ///
    /// - Parameters:
    ///   - width: Characters; none is returned for a width below one.
    ///   - range: What the lowest and the highest bar stand for; nil: the values' own range. What lies outside is drawn
    ///     as the lowest or highest bar.
    static func text(
        _ values: [Double], width: Int, style: Style = .blocks, range: ClosedRange<Double>? = nil
    ) -> String {
        guard width > 0 else { return "" }
        let columns = gathered(values, width: width)
        let known = columns.filter(\.isFinite)
        let bars = style == .blocks ? blocks : ascii
        guard let least = known.min(), let most = known.max() else { return String(repeating: " ", count: width) }
        let low = range?.lowerBound ?? least
        let high = range?.upperBound ?? most
        var text = ""
        for value in columns {
            guard value.isFinite else {
                text.append(" ")
                continue
            }
            let share = (value - low) / (high - low)
            // All the same: on the ground if it is nothing, else in the middle.
            let height = high > low && share.isFinite ? min(max(share, 0), 1) : value == 0 ? 0 : 0.5
            text.append(bars[min(Int(height * Double(bars.count)), bars.count - 1)])
        }
        return text + String(repeating: " ", count: width - columns.count)
    }

    /// At most `width` values; where there are more, the means of equal runs.
    private static func gathered(_ values: [Double], width: Int) -> [Double] {
        guard values.count > width else { return values }
        return (0..<width).map { column in
            let run = values[column * values.count / width..<(column + 1) * values.count / width].filter(\.isFinite)
            return run.isEmpty ? .nan : run.reduce(0) { $0 + $1 / Double(run.count) }
        }
    }
}
