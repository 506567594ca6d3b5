// A program that this process started: a hook, a command that is read, the near end of a session. It is asked again and
// again whether it has ended, by wait4(2) alone: a pidfd or waitid(2) is not to be had in every sandbox, and whoever
// waits has something else to look at meanwhile.

import CSystemCalls
import Glibc
import SystemPackage

/// A child that leads a process group of its own. One user at a time. What is left of it is not ended with this value.
final class SpawnedProcess {
    enum End: Equatable, Sendable {
        case exited(Int32)
        case signalled(Int32)
        /// It is gone, and the system does not tell how it ended.
        case unknown(Errno)
    }

    private let child: pid_t
    private var end: End?

    /// Starts a program. The descriptors stay the caller's; nothing else of this process is open in it.
    ///
    /// - Parameters:
    ///   - words: the program, looked for in `PATH` if its name has no slash, and its arguments.
    ///   - variables: what its environment has above this process's; nil: it has none of that name.
    ///   - folder: where it works; nil: where this process does.
    ///   - leadsSession: whether it leads a session of its own, without a terminal.
    init(
        _ words: [String], variables: [(name: String, value: String?)] = [], in folder: FilePath? = nil,
        input: FileDescriptor, output: FileDescriptor, errors: FileDescriptor, leadsSession: Bool = false
    ) throws(Errno) {
        let (input, output, errors) = (input.rawValue, output.rawValue, errors.rawValue)
        let path = folder.map { Array($0.string.utf8CString) }
        let leads: Int32 = leadsSession ? 1 : 0
        let assignments = variables.map { variable in variable.name + (variable.value.map { "=\($0)" } ?? "") }
        child = try withTexts(words) { (words) throws(Errno) in
            try withTexts(assignments) { (variables) throws(Errno) in
                try systemCall {
                    guard let path else { return ss_spawn(words, variables, nil, input, output, errors, leads) }
                    return path.withUnsafeBufferPointer {
                        ss_spawn(words, variables, $0.baseAddress, input, output, errors, leads)
                    }
                }
            }
        }
    }

    deinit { _ = hasEnded }

    /// How it ended; nil while it runs.
    func lookForEnd() -> End? {
        guard end == nil else { return end }
        var status: Int32 = 0
        let child = child
        do {
            if try systemCall({ waitpid(child, &status, WNOHANG) }) != child { return nil }
            // WIFEXITED and the others are macros, which Swift does not see.
            end = status & 0x7f == 0 ? .exited(status >> 8 & 0xff) : .signalled(status & 0x7f)
        } catch {
            end = .unknown(error)
        }
        return end
    }

    /// Whether it is gone, so that nothing is left of it. One that was killed may hang inside the kernel.
    var hasEnded: Bool { lookForEnd() != nil }

    /// Whether something of its group is there, itself or what it started.
    var hasGroup: Bool { Glibc.kill(-child, 0) == 0 || Glibc.errno == EPERM }

    /// The number of its group, and its own.
    var group: pid_t { child }

    func signalGroup(_ number: Int32) { Glibc.kill(-child, number) }

    // MARK: Waiting

    /// The times between two looks.
    private static let pauses = (shortest: UInt32(1000), longest: UInt32(50_000))

    /// Waits for its end.
    ///
    /// - Parameter isOver: asked before each pause; true: it is waited for no more.
    /// - Returns: nil if it was not waited for to its end.
    func wait(unless isOver: () -> Bool) -> End? {
        var pause = Self.pauses.shortest
        while true {
            if let end = lookForEnd() { return end }
            if isOver() { return nil }
            usleep(pause)
            pause = min(pause * 2, Self.pauses.longest)
        }
    }

    /// Asks the whole group to end, and makes it after `patience`. What hangs inside the kernel then is left behind.
    func endGroup(patience: Duration = .seconds(1)) {
        signalGroup(SIGTERM)
        let asked = ContinuousClock.now
        // Its leader is reaped meanwhile, or the group would seem to be there for ever.
        while hasGroup || !hasEnded, ContinuousClock.now - asked < patience { usleep(1000) }
        signalGroup(SIGKILL)
        let killed = ContinuousClock.now
        while !hasEnded, ContinuousClock.now - killed < patience { usleep(1000) }
    }

    /// What a child without input reads: nothing. It is the caller's.
    static func emptyInput() throws(Errno) -> FileDescriptor {
        do throws(Errno) {
            return FileDescriptor(rawValue: try systemCall { Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC) })
        } catch {
            // A sandbox without it. A pipe that nobody writes to is as empty.
            let pipe = try FileDescriptor.closeOnExecPipe()
            try? pipe.write.close()
            return pipe.read
        }
    }
}

/// Calls `body` with the texts as C has lists of texts: the last pointer is NULL.
private func withTexts<Result>(
    _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) throws(Errno) -> Result
) throws(Errno) -> Result {
    var copies: [UnsafeMutablePointer<CChar>?] = []
    defer { for copy in copies { free(copy) } }
    for text in texts {
        guard let copy = strdup(text) else { throw .noMemory }
        copies.append(copy)
    }
    let list = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: copies.count + 1)
    defer { list.deallocate() }
    for (index, copy) in copies.enumerated() { list[index] = copy }
    list[copies.count] = nil
    return try body(UnsafePointer(list))
}
