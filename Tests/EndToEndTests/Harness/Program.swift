// Runs a program as a shell would, until it ends or its time is up, and returns what it printed. Output goes to files:
// a grandchild that keeps a descriptor open then delays nobody.

import Foundation
import Subprocess
import Synchronization
import SystemPackage
import Testing

enum Program {
    /// Where the built programs stand: beside the test bundle, or where SLOTSYNC_BIN_DIR says.
    static let folder: String =
        ProcessInfo.processInfo.environment["SLOTSYNC_BIN_DIR"]
        ?? URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path

    static let slotsync = "\(folder)/slotsync"
    static let agent = "\(folder)/slotsync-agent"

    /// Runs `command` (a path, or a name to be found in PATH) and waits for its end.
    ///
    /// - Parameters:
    ///   - environment: Variables to set above the inherited ones.
    ///   - timeout: How long it may take before its process group is killed and the test fails.
    ///   - body: What to do while it runs.
    static func run(
        _ command: [String],
        environment: [String: String] = [:],
        in directory: String? = nil,
        user: uid_t? = nil,
        timeout: Duration = .seconds(60),
        whileRunning body: (RunningProgram) async throws -> Void = { _ in }
    ) async throws -> Outcome {
        let output = try CapturedOutput()
        let errors = try CapturedOutput()
        var options = PlatformOptions()
        options.processGroupID = 0
        options.userID = user
        let watch = Watch()
        defer { watch.stop() }
        let result = try await Subprocess.run(
            command[0].contains("/") ? .path(FilePath(command[0])) : .name(command[0]),
            arguments: Arguments(Array(command.dropFirst())),
            environment: .inherit.updating(
                Dictionary(uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0), $1) })
            ),
            workingDirectory: directory.map { FilePath($0) },
            platformOptions: options,
            input: .none,
            output: .fileDescriptor(output.descriptor, closeAfterSpawningProcess: false),
            error: .fileDescriptor(errors.descriptor, closeAfterSpawningProcess: false)
        ) { execution in
            let running = RunningProgram(
                pid: execution.processIdentifier.value, errorsDescriptor: errors.descriptor)
            watch.start(running, timeout: timeout)
            do {
                try await body(running)
            } catch {
                running.killGroup()
                throw error
            }
        }
        let outcome = Outcome(
            command: command,
            status: result.terminationStatus,
            output: try output.text(),
            errors: try errors.text()
        )
        if watch.rang { Issue.record("killed after \(timeout): \(outcome)") }
        return outcome
    }
}

/// A program that was started and is not waited for yet.
struct RunningProgram: Sendable {
    let pid: pid_t
    fileprivate let errorsDescriptor: FileDescriptor

    /// Waits until it has said `text` on its standard error.
    func says(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await eventually("it never said \(text)", sourceLocation: sourceLocation) {
            try CapturedOutput.text(in: errorsDescriptor).contains(text)
        }
    }

    func kill() { _ = Glibc.kill(pid, SIGKILL) }
    func stop() { _ = Glibc.kill(pid, SIGSTOP) }
    func interrupt() { _ = Glibc.kill(pid, SIGINT) }
    func killGroup() { _ = Glibc.kill(-pid, SIGKILL) }
}

/// What a program left behind when it ended.
struct Outcome: Sendable, CustomStringConvertible {
    let command: [String]
    let status: TerminationStatus
    let output: String
    let errors: String

    /// The exit code; nil when a signal ended the program.
    var exitCode: Int32? {
        guard case .exited(let code) = status else { return nil }
        return code
    }

    var lines: [String] { output.split(separator: "\n").map(String.init) }
    var lastLine: String { lines.last ?? "" }

    var description: String {
        "`\(command.joined(separator: " "))` \(status)\n--- stdout\n\(output)\n--- stderr\n\(errors)\n---"
    }
}

/// An unlinked file that takes what a program prints.
private struct CapturedOutput: ~Copyable {
    let descriptor: FileDescriptor
    private let stream: UnsafeMutablePointer<FILE>

    init() throws {
        guard let stream = tmpfile() else { throw SystemFailure("tmpfile") }
        self.stream = stream
        descriptor = FileDescriptor(rawValue: fileno(stream))
    }

    func text() throws -> String { try Self.text(in: descriptor) }

    /// What stands in the file by now. The place at which the program writes stays as it is.
    static func text(in descriptor: FileDescriptor) throws -> String {
        var bytes: [UInt8] = []
        while true {
            let piece = try [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
                count = try descriptor.read(
                    fromAbsoluteOffset: Int64(bytes.count), into: UnsafeMutableRawBufferPointer(buffer))
            }
            if piece.isEmpty { return String(decoding: bytes, as: UTF8.self) }
            bytes += piece
        }
    }

    deinit { fclose(stream) }
}

/// Kills a program that takes too long.
private final class Watch {
    private var task: Task<Void, Never>?
    private let fired = Flag()

    var rang: Bool { fired.isRaised }

    func start(_ program: RunningProgram, timeout: Duration) {
        let fired = fired
        task = Task {
            guard (try? await Task.sleep(for: timeout)) != nil else { return }
            fired.raise()
            program.killGroup()
        }
    }

    func stop() { task?.cancel() }
}

/// Raised once, by any thread.
private final class Flag: Sendable {
    private let raised = Mutex(false)

    var isRaised: Bool { raised.withLock { $0 } }
    func raise() { raised.withLock { $0 = true } }
}
