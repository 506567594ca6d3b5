// Runs a program that may ask the person at the terminal something: ssh-keygen, for a key's passphrase. What SpawnedProcess starts
// leads a group of its own, which the terminal has to be given to meanwhile.

import Glibc
package import SystemPackage

package enum ForegroundProgram {
    /// Runs a program to its end, with the terminal, and this process's standard error.
    ///
    /// - Parameters:
    ///   - words: the program, looked for in `PATH`, and its arguments.
    ///   - input: what it reads.
    ///   - longestOutput: how many bytes of what it writes are taken.
    /// - Returns: its exit code, 128 and the signal's number where one ended it, and what it wrote.
    /// - Throws: ``SlotSyncError`` with the code `system` where it cannot be started.
    package static func run(
        _ words: [String], input: [UInt8], longestOutput: Int
    ) throws -> (code: Int32, output: [UInt8]) {
        let name = words.first ?? ""
        do {
            let text = try FileDescriptor.inMemory(name)
            defer { try? text.close() }
            try input.withUnsafeBytes { try text.writeFully($0, at: 0) }
            let output = try FileDescriptor.inMemory(name)
            defer { try? output.close() }
            let code = try run(words, input: text, output: output)
            var bytes = [UInt8](repeating: 0, count: longestOutput)
            let count = try bytes.withUnsafeMutableBytes { try output.readFully(at: 0, into: $0) }
            return (code, Array(bytes[..<count]))
        } catch let error as Errno {
            throw SlotSyncError(.system, "cannot run \(name)", errno: error)
        }
    }

    private static func run(_ words: [String], input: FileDescriptor, output: FileDescriptor) throws -> Int32 {
        let process = try SpawnedProcess(words, input: input, output: output, errors: .standardError)
        let terminal = try? FileDescriptor.open("/dev/tty", .readWrite, options: .closeOnExec)
        defer { try? terminal?.close() }
        let own = getpgrp()
        // This process is in the background meanwhile, and may take the terminal back from there.
        let before = signal(SIGTTOU, SIG_IGN)
        defer { signal(SIGTTOU, before) }
        if let terminal, tcgetpgrp(terminal.rawValue) == own {
            tcsetpgrp(terminal.rawValue, process.group)
            // It may have asked before the terminal was its own, and been stopped for that.
            process.signalGroup(SIGCONT)
        }
        defer {
            if let terminal, tcgetpgrp(terminal.rawValue) == process.group { tcsetpgrp(terminal.rawValue, own) }
        }
        switch process.wait(unless: { false }) {
        case .exited(let code)?: return code
        case .signalled(let number)?: return 128 + number
        case .unknown(let error)?: throw error
        case nil: return 1
        }
    }
}
