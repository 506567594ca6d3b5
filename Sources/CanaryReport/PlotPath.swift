// Lines and bands of a plot as SVG path data, on a grid of whole numbers that the browser stretches over the plot. A
// missing value is a gap; no line crosses it.

/// Places of a plot on the grid of its paths.
struct PlotPath {
    static let width = 4_000
    static let height = 1_000

    let time: PlotScale
    let value: PlotScale

    func x(_ seconds: Double) -> Int { Int((time.place(seconds) * Double(Self.width)).rounded()) }
    func y(_ level: Double) -> Int { Int(((1 - value.place(level)) * Double(Self.height)).rounded()) }

    /// A line through all values, with a dot for one that stands alone: `M0 1000L40 980M120 900h0`.
    func line(_ times: [Double], _ values: [Double]) -> String {
        runs(values).map { run in
            let points = run.map { "\(x(times[$0])) \(y(values[$0]))" }
            return "M" + (points.count == 1 ? points[0] + "h0" : points.joined(separator: "L"))
        }.joined()
    }

    /// The area between two lines, which miss the same values. One that stands alone gets a bar of half a column's width.
    func band(_ times: [Double], low: [Double], high: [Double]) -> String {
        let halfColumn = times.count > 1 ? max(1, (x(times[times.count - 1]) - x(times[0])) / (times.count - 1) / 4) : 4
        return runs(low).map { run in
            if run.count == 1 {
                let (x, bottom, top) = (x(times[run.lowerBound]), y(low[run.lowerBound]), y(high[run.lowerBound]))
                return "M\(x - halfColumn) \(top)h\(2 * halfColumn)V\(bottom)h\(-2 * halfColumn)z"
            }
            let upper = run.map { "\(x(times[$0])) \(y(high[$0]))" }
            let lower = run.reversed().map { "\(x(times[$0])) \(y(low[$0]))" }
            return "M" + (upper + lower).joined(separator: "L") + "z"
        }.joined()
    }

    /// Where values follow one another without a gap.
    private func runs(_ values: [Double]) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        for (index, value) in values.enumerated() where !value.isNaN {
            if let last = runs.last, last.upperBound == index {
                runs[runs.count - 1] = last.lowerBound..<index + 1
            } else {
                runs.append(index..<index + 1)
            }
        }
        return runs
    }
}
