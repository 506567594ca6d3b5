// Moments as people and logs write them. Who holds a lock, and since when, is told so.

import Glibc

/// A moment as people and logs write it: 2026-03-01 12:30:05 UTC.
package func utcText(_ seconds: Int64) -> String {
    var time = time_t(seconds)
    var parts = tm()
    gmtime_r(&time, &parts)
    var text = [CChar](repeating: 0, count: 64)
    let count = strftime(&text, text.count, "%Y-%m-%d %H:%M:%S UTC", &parts)
    return String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
