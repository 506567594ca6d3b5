// How many columns of a terminal a text takes, so that a line of the live view never wraps. Texts are made safe here, too:
// a metric's name is what a person or a host wrote.

import SlotSync

enum TextColumns {
    /// The columns of a text without controls: two for what East Asian scripts and emoji write wide, none for marks
    /// that stand on the letter before them (Unicode, Standard Annex 11).
    static func count(_ text: String) -> Int { text.unicodeScalars.reduce(0) { $0 + width($1) } }

    /// `text` on one line in exactly `columns` columns: cut, with an ellipsis, or filled with blanks.
    static func fitted(_ text: String, columns: Int, alignedRight: Bool = false, ellipsis: String = "…") -> String {
        let cut = clipped(text, columns: columns, ellipsis: ellipsis)
        let blanks = String(repeating: " ", count: max(0, columns - count(cut)))
        return alignedRight ? blanks + cut : cut + blanks
    }

    /// `text` on one line in at most `columns` columns.
    static func clipped(_ text: String, columns: Int, ellipsis: String = "…") -> String {
        let text = escapedForDisplay(text)
        guard count(text) > columns else { return text }
        var room = columns - count(ellipsis)
        guard room >= 0 else { return "" }
        var cut = ""
        for scalar in text.unicodeScalars {
            room -= width(scalar)
            if room < 0 { break }
            cut.unicodeScalars.append(scalar)
        }
        return cut + ellipsis
    }

    private static func width(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: break
        }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xA960...0xA97C, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            return 2
        default: return scalar.properties.isEmojiPresentation ? 2 : 1
        }
    }
}
