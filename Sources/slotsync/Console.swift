// Writes to the two standard streams: results to standard output, everything else to standard error. Text from a host,
// a file name or a message cannot command the terminal. Reporter owns the console; `judge` has one for its errors.

import Canary
import Glibc
import SlotSync
import SystemPackage

/// Writes whole lines, past any buffer, so that the order of both streams is the order of events.
struct Console {
    /// Live lines at the bottom of the terminal, redrawn in place.
    private var liveLines: [String] = []
    private var lastDraw: ContinuousClock.Instant?
    /// A question stands at the end of the last line; nothing is drawn until it is answered, or something else is said.
    private(set) var isAsking = false
    /// Told once: a full disk behind standard output fails every line.
    private(set) var hasLostOutput = false

    /// At most ten a second.
    private static let shortestRedraw = Duration.milliseconds(100)
    /// Clears the rest of the line, and the rest of the screen.
    private static let clearLine = "\u{1b}[K"
    private static let clearScreen = "\u{1b}[J"

    /// Whether a live line can be drawn on standard error.
    static var canDraw: Bool {
        isatty(STDERR_FILENO) == 1 && getenv("TERM").map { String(cString: $0) != "dumb" } ?? false
    }

    static var isResultOnTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    // MARK: Lines

    /// A question, whose answer is typed behind it.
    mutating func ask(_ question: String) {
        note(question, end: " ")
        isAsking = true
    }

    /// The answer was typed, and with it the end of the line.
    mutating func noteAnswer() { isAsking = false }

    /// A result, for a person or a script.
    mutating func result(_ lines: [String]) {
        write(lines.map { escapedForDisplay($0) + "\n" }.joined(), to: .standardOutput)
    }

    /// A result that is safe as it is.
    mutating func result(_ json: JSONValue) { write(json.line + "\n", to: .standardOutput) }

    /// Progress, a warning, an error.
    mutating func note(_ line: String) { note(line, end: "\n") }

    /// What is drawn makes room and comes back below, in one piece: nothing flickers.
    private mutating func note(_ line: String, end: String) {
        let text = erasure + (isAsking ? "\n" : "") + escapedForDisplay(line) + end
        isAsking = false
        if end != "\n" { liveLines = [] }
        _ = try? FileDescriptor.standardError.writeFully(text + liveLines.joined(separator: "\n"))
    }

    private mutating func write(_ text: String, to stream: FileDescriptor) {
        // The line may appear on the terminal that the live lines stand on.
        let drawn = Self.isResultOnTerminal ? liveLines : []
        if !drawn.isEmpty { erase() }
        do {
            try stream.writeFully(text)
        } catch {
            // Of a reader that has gone (`| head -1`) there is nothing to say.
            if stream == .standardOutput, !hasLostOutput, error != .brokenPipe {
                hasLostOutput = true
                note("cannot write to standard output: \(error)")
            }
        }
        if !drawn.isEmpty { draw(drawn, at: .now, isForced: true) }
    }

    // MARK: Live lines

    /// How many columns a live line may have: one less than the terminal, so that it never wraps; and how many lines there
    /// may be, so that none scrolls away.
    static var room: (width: Int, height: Int) {
        var size = winsize()
        let isKnown = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0
        return (
            isKnown && size.ws_col > 1 ? Int(size.ws_col) - 1 : 79,
            isKnown && size.ws_row > 1 ? Int(size.ws_row) - 1 : 23
        )
    }

    /// Whether the terminal shows more than ASCII, by what it was said to be.
    static var showsUnicode: Bool {
        func value(of variable: String) -> String { getenv(variable).map { String(cString: $0) } ?? "" }
        let name = (["LC_ALL", "LC_CTYPE", "LANG"].map(value).first { !$0.isEmpty } ?? "").lowercased()
        return name.hasSuffix("utf-8") || name.hasSuffix("utf8")
    }

    /// Draws lines that are safe as they are, in place of those drawn before.
    mutating func draw(_ lines: [String], at now: ContinuousClock.Instant, isForced: Bool = false) {
        if let lastDraw, !isForced, now - lastDraw < Self.shortestRedraw { return }
        guard !isAsking else { return }
        lastDraw = now
        // Written over what was there, and only then cleared behind: nothing flickers.
        let text = lines.joined(separator: Self.clearLine + "\n") + Self.clearLine + Self.clearScreen
        _ = try? FileDescriptor.standardError.writeFully(toFirstLine + text)
        liveLines = lines
    }

    mutating func erase() {
        guard !liveLines.isEmpty else { return }
        let text = erasure
        liveLines = []
        _ = try? FileDescriptor.standardError.writeFully(text)
    }

    /// Clears what was drawn; the cursor is where that began.
    private var erasure: String { liveLines.isEmpty ? "" : toFirstLine + Self.clearScreen }

    /// To the first column of the first line that was drawn. A terminal that became narrower has wrapped the lines.
    private var toFirstLine: String {
        let columns = Self.room.width + 1
        let rows = liveLines.reduce(0) { $0 + max(1, (TextColumns.count($1) + columns - 1) / columns) }
        return rows > 1 ? "\r\u{1b}[\(rows - 1)A" : "\r"
    }
}
