// The forms that values of options and of the configuration may have. An option and a key that take the same kind of
// value share one form: the same text is read, and an error describes it in the same words.

import ArgumentParser
import Canary
import SlotSync

struct ValueForm<Value: Sendable>: Sendable {
    /// As in "expected a number from 2 to 9".
    let expected: String
    /// Nil for text that is not of this form.
    let read: @Sendable (String) -> Value?

    /// The value of an option.
    @Sendable func option(_ text: String) throws -> Value {
        guard let value = read(text) else { throw ValidationError("expected \(expected)") }
        return value
    }
}

extension ValueForm<String> {
    /// Text that is not empty: an empty one is a script's variable that nobody set.
    static func text(_ expected: String) -> ValueForm { ValueForm(expected: expected) { $0.isEmpty ? nil : $0 } }

    static var release: ValueForm { text("the ID of a release, the beginning of it, or its name") }

    /// What a release may be called.
    static var releaseName: ValueForm {
        ValueForm(expected: "a name of 1 to \(ReleaseName.longestName) bytes, all of them visible") {
            $0.isEmpty || !ReleaseName.isUsable(name: $0) ? nil : $0
        }
    }

    static var file: ValueForm { path("the path of a file") }
    static var folder: ValueForm { path("the path of a folder") }

    /// A path of this machine, in which ~ is a home.
    private static func path(_ expected: String) -> ValueForm {
        ValueForm(expected: "\(expected), with no ~NAME in front but that of a user of this machine") {
            $0.isEmpty ? nil : HomePath.expanded($0)
        }
    }
}

extension ValueForm where Value == Int {
    static func number(in range: ClosedRange<Int>) -> ValueForm {
        ValueForm(expected: "a number from \(range.lowerBound) to \(range.upperBound)") { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

extension ValueForm where Value == Double {
    static var number: ValueForm {
        ValueForm(expected: "a number such as 2 or 0.5") { DecimalNumber(reading: $0)?.value }
    }

    /// A relative change.
    static var share: ValueForm { ValueForm(expected: "a share such as 10% or 0.1") { NumberText.share(in: $0) } }

    static var significance: ValueForm {
        ValueForm(expected: "a share between 0 and 0.5, such as 1% or 0.01") { text in
            NumberText.share(in: text).flatMap { $0 > 0 && $0 < 0.5 ? $0 : nil }
        }
    }

    /// Seconds.
    static var time: ValueForm {
        ValueForm(expected: "a time of up to a day, such as 5s, 500ms or 2m") { text in
            TimeText.seconds(in: text).flatMap { $0 <= CanarySettings.longestTime ? $0 : nil }
        }
    }
}

extension ValueForm<Duration> {
    /// How long a host may say nothing. Whoever wants more than a day wants no limit.
    static var timeout: ValueForm {
        ValueForm(expected: "a time from 1s to 24h, such as 30s or 5m") { text in
            TimeText.seconds(in: text).flatMap { (1...TimeText.day).contains($0) ? .seconds($0) : nil }
        }
    }
}

extension ValueForm<UInt64> {
    static var size: ValueForm { ValueForm(expected: "a size such as 500M or 2G") { UInt64(byteCount: $0) } }
}

extension ValueForm<HostPortion> {
    static var portion: ValueForm {
        ValueForm(expected: "a number of hosts, or a percentage such as 10%") { HostPortion($0) }
    }
}

extension ValueForm where Value: RawRepresentable<String> & CaseIterable {
    static var choice: ValueForm {
        ValueForm(expected: Value.allCases.map(\.rawValue).joined(separator: " or ")) { Value(rawValue: $0) }
    }
}
