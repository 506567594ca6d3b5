// The two standard streams: results go to one, everything else to the other. Whatever text came from a
// host, a file name or a message, nothing in it commands the terminal.

import Glibc
import SlotSync
import SystemPackage

/// Writes whole lines, past any buffer, so that the order of both streams is the order of events.
struct Console {
    /// Live lines at the bottom of the terminal, redrawn in place.
    private var liveLines: [String] = []
    private var lastDraw: ContinuousClock.Instant?
    /// Told once: a full disk behind standard output fails every line.
    private(set) var hasLostOutput = false

    /// At most ten a second.
    private static let shortestRedraw = Duration.milliseconds(100)
    /// Return to the line's first column and clear what is in it.
    static let erasure = "\r\u{1b}[K"

    /// Whether a live line can be drawn on standard error.
    static var canDraw: Bool {
        isatty(STDERR_FILENO) == 1 && getenv("TERM").map { String(cString: $0) != "dumb" } ?? false
    }

    static var isResultOnTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    // MARK: Lines

    /// A result, for a person or a script.
    mutating func result(_ lines: [String]) {
        write(lines.map { escapedForDisplay($0) + "\n" }.joined(), to: .standardOutput)
    }

    /// A result that is safe as it is.
    mutating func result(_ json: JSONValue) { write(json.line + "\n", to: .standardOutput) }

    /// Progress, a warning, an error.
    mutating func note(_ line: String) { write(escapedForDisplay(line) + "\n", to: .standardError) }

    private mutating func write(_ text: String, to stream: FileDescriptor) {
        // A line on either stream may appear on the terminal that the live line stands on.
        let drawn = liveLines
        erase()
        do {
            try stream.writeAll(text.utf8)
        } catch {
            // Of a reader that has gone (`| head -1`) there is nothing to say.
            if stream == .standardOutput, !hasLostOutput, error as? Errno != .brokenPipe {
                hasLostOutput = true
                note("cannot write to standard output: \(error)")
            }
        }
        if !drawn.isEmpty { draw(drawn, at: .now, isForced: true) }
    }

    // MARK: The live line

    /// How many characters the live line may have: one less than the terminal, so that it never wraps.
    static var width: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 1 else { return 79 }
        return Int(size.ws_col) - 1
    }

    /// Draws lines that are safe as they are, in place of those drawn before.
    mutating func draw(_ lines: [String], at now: ContinuousClock.Instant, isForced: Bool = false) {
        if let lastDraw, !isForced, now - lastDraw < Self.shortestRedraw { return }
        lastDraw = now
        let text = lines.joined(separator: "\u{1b}[K\n") + "\u{1b}[K"
        // What was more lines before leaves none behind.
        let rest = liveLines.count > lines.count ? "\u{1b}[J" : ""
        _ = try? FileDescriptor.standardError.writeAll((toFirstLine + text + rest).utf8)
        liveLines = lines
    }

    mutating func erase() {
        guard !liveLines.isEmpty else { return }
        let erasure = liveLines.count > 1 ? toFirstLine + "\u{1b}[J" : Self.erasure
        liveLines = []
        _ = try? FileDescriptor.standardError.writeAll(erasure.utf8)
    }

    /// To the first column of the first line that was drawn.
    private var toFirstLine: String { liveLines.count > 1 ? "\r\u{1b}[\(liveLines.count - 1)A" : "\r" }
}
