// Runs a program in the foreground of a terminal. A test types keys, Ctrl-C reaches the whole foreground group, and
// closing the terminal hangs up.

import Foundation
import Synchronization
import Testing

final class Terminal: Sendable {
    /// The end that the person sits at; -1 once it is closed.
    private let master: Mutex<CInt>
    private let process: Process
    private let shown = Mutex("")
    /// Whether nobody can print on it any more, and all that was printed is in `shown`.
    private let isOver = Atomic(false)

    /// Starts `command` on a terminal of its own, with the environment of a UTF-8 terminal.
    init(_ command: [String], environment: [String: String], in directory: String, columns: UInt16 = 100) throws {
        var (master, slave): (CInt, CInt) = (-1, -1)
        var size = winsize(ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        guard openpty(&master, &slave, nil, nil, &size) == 0 else { throw SystemFailure("openpty") }
        defer { close(slave) }
        for end in [master, slave] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        self.master = Mutex(master)
        process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/setsid")
        process.arguments = ["--ctty", "--wait"] + command
        process.environment = ProcessInfo.processInfo.environment
            .merging(["TERM": "xterm-256color", "LC_ALL": "C.UTF-8"]) { $1 }.merging(environment) { $1 }
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        let handle = FileHandle(fileDescriptor: slave, closeOnDealloc: false)
        (process.standardInput, process.standardOutput, process.standardError) = (handle, handle, handle)
        try process.run()
        Thread.detachNewThread { [weak self, master] in
            var chunk = [UInt8](repeating: 0, count: 64 << 10)
            while true {
                let count = read(master, &chunk, chunk.count)
                guard count > 0 else {
                    self?.isOver.store(true, ordering: .releasing)
                    return
                }
                self?.shown.withLock { $0 += String(decoding: chunk[..<count], as: UTF8.self) }
            }
        }
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    /// Everything that was printed, with what commands the terminal.
    var output: String { shown.withLock { $0 } }

    /// What is left on the screen's lines at the end, as far as programs do that only go up, return and erase below.
    var screen: [String] {
        var lines = [""]
        var (row, column) = (0, 0)
        var rest = output.unicodeScalars.map { String($0) }[...]
        while let character = rest.popFirst() {
            switch character {
            case "\r": column = 0
            case "\n":
                row += 1
                if row == lines.count { lines.append("") }
            case "\u{1b}":
                let end = rest.firstIndex { $0 >= "@" && $0 <= "z" && $0 != "[" } ?? rest.endIndex
                let command = rest[..<end].joined()
                let kind = end < rest.endIndex ? rest[end] : ""
                rest = rest.dropFirst(end - rest.startIndex + 1)
                if kind == "A" { row = max(0, row - (Int(command.dropFirst()) ?? 1)) }
                if kind == "K" || kind == "J" { lines[row] = String(lines[row].prefix(column)) }
                if kind == "J" { lines.removeSubrange((row + 1)...) }
            default:
                var line = Array(lines[row])
                while line.count <= column { line.append(" ") }
                line[column] = Character(character)
                lines[row] = String(line)
                column += 1
            }
        }
        return lines
    }

    func type(_ keys: String) {
        let bytes = Array(keys.utf8)
        master.withLock { _ = write($0, bytes, bytes.count) }
    }

    func hangUp() {
        master.withLock { master in
            close(master)
            master = -1
        }
    }

    /// A signal to the program itself.
    func signal(_ number: Int32) async throws {
        // Its parent may wait for it, or have become it.
        let found = try await Program.run(["pgrep", "-P", "\(process.processIdentifier)"])
        kill(found.lines.first.flatMap { pid_t($0) } ?? process.processIdentifier, number)
    }

    /// Waits until something was printed.
    func shows(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await eventually("\(text) is not shown: \(output)", sourceLocation: sourceLocation) {
            output.contains(text)
        }
    }

    /// Waits for the program's end.
    ///
    /// - Returns: its exit code; nil after a signal.
    func ended(sourceLocation: SourceLocation = #_sourceLocation) async throws -> Int32? {
        try await eventually("it does not end: \(output)", sourceLocation: sourceLocation) { !process.isRunning }
        // What it printed last may not have come yet. Whom it left behind may keep the terminal open.
        for _ in 0..<300 where !isOver.load(ordering: .acquiring) { try await Task.sleep(for: .milliseconds(10)) }
        return process.terminationReason == .exit ? process.terminationStatus : nil
    }
}
