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
    ///   - output: where it writes. It stays the caller's.
    /// - Returns: its exit code; 128 and the signal's number where one ended it.
    /// - Throws: ``SlotSyncError`` with the code `system` where it cannot be started.
    package static func run(_ words: [String], input: [UInt8], output: FileDescriptor) throws -> Int32 {
        let name = words.first ?? ""
        do {
            let text = try FileDescriptor.inMemory(name)
            defer { try? text.close() }
            try input.withUnsafeBytes { try text.writeFully($0, at: 0) }
            let process = try SpawnedProcess(words, input: text, output: output, errors: .standardError)
            let terminal = try? FileDescriptor.open("/dev/tty", .readWrite, options: .closeOnExec)
            defer { try? terminal?.close() }
            let own = getpgrp()
            // This process is in the background meanwhile, and may take the terminal back from there.
            let before = signal(SIGTTOU, SIG_IGN)
            defer { signal(SIGTTOU, before) }
            if let terminal { process.giveTerminal(terminal) }
            defer { if let terminal { tcsetpgrp(terminal.rawValue, own) } }
            switch process.wait(unless: { false }) {
            case .exited(let code)?: return code
            case .signalled(let number)?: return 128 + number
            case .unknown(let error)?: throw error
            case nil: return 1
            }
        } catch let error as Errno {
            throw SlotSyncError(.system, "cannot run \(name)", errno: error)
        }
    }
}

extension SpawnedProcess {
    fileprivate func giveTerminal(_ terminal: FileDescriptor) { tcsetpgrp(terminal.rawValue, group) }
}
