// The date and the time of day of a moment, for the report.

import SlotSync

enum MomentText {
    /// `2026-11-24` and `23:29:11` of seconds since 1970, in UTC. Years 1970 to 9999.
    static func moment(_ unixTime: Double) -> (date: String, clock: String) {
        guard unixTime >= 0, unixTime < 253_402_300_800 else { return (NumberText.none, NumberText.none) }
        let seconds = Int(unixTime)
        let (year, month, day) = civil(day: seconds / 86_400)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let ofDay = seconds % 86_400
        return (
            "\(year)-\(two(month))-\(two(day))",
            "\(two(ofDay / 3600)):\(two(ofDay % 3600 / 60)):\(two(ofDay % 60))"
        )
    }

    /// The Gregorian date of a day since 1970 (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms",
    /// `civil_from_days`, for days from 1970 on).
    private static func civil(day: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = day + 719_468
        let era = shifted / 146_097
        let ofEra = shifted % 146_097
        let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * ofYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, ofYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}
