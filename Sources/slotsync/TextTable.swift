// Aligns rows of cells in columns, as a terminal shows them. `status` and `sample` print their tables with it.

enum TextTable {
    /// The rows as lines; all have as many cells as the first.
    ///
    /// - Parameter numbersFrom: the first of the columns that hold numbers, which end at the same place.
    static func aligned(_ rows: [[String]], numbersFrom: Int = .max) -> [String] {
        guard let first = rows.first else { return [] }
        let widths = first.indices.map { column in rows.map { TextColumns.count($0[column]) }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(row, widths).enumerated().map { column, cell in
                let room = String(repeating: " ", count: cell.1 - TextColumns.count(cell.0))
                return column < numbersFrom ? cell.0 + room : room + cell.0
            }
            let line = cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}
