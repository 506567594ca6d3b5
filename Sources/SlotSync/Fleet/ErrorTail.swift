// Reads what a child process prints on its standard error, as it comes, so that it never blocks the child. The last
// lines are kept: there ssh, a shell and the agent say why they ended.

import SystemPackage

/// The last lines from a pipe.
@FleetActor
final class ErrorTail {
    /// What is kept, in bytes.
    private static let bound = 4096
    /// How many times it reads before others get their turn; more than a pipe holds.
    private static let mostReads = 32

    private var readiness: Readiness!
    private var bytes: [UInt8] = []
    private var isAtEnd = false
    private let onEnd: @FleetActor () -> Void

    /// Takes over the descriptor.
    init(owning pipe: FileDescriptor, onEnd: @escaping @FleetActor () -> Void) {
        self.onEnd = onEnd
        readiness = Readiness(owning: pipe, for: .reading) { [weak self] in self?.read() }
        readiness.arm()
    }

    /// The last lines on one, with nothing in them that commands a terminal. Empty if there are none.
    var text: String {
        let lines = String(decoding: bytes, as: UTF8.self).split { $0.isNewline }
            .map { line in escapedForDisplay(String(line.prefix { $0 != "\r" })) }
            .filter { !$0.allSatisfy(\.isWhitespace) }
        return lines.suffix(5).joined(separator: "; ")
    }

    /// Reads what is there now. A host that never stops printing must not keep the others waiting.
    func read() {
        guard !isAtEnd else { return }
        var chunk = [UInt8](repeating: 0, count: Self.bound)
        do {
            for _ in 0..<Self.mostReads {
                let count = try chunk.withUnsafeMutableBytes { try readiness.descriptor.read(into: $0) }
                if count == 0 { return close() }
                bytes.append(contentsOf: chunk[..<count])
                bytes.removeFirst(max(0, bytes.count - Self.bound))
            }
            readiness.arm()
        } catch Errno.resourceTemporarilyUnavailable {
            readiness.arm()
        } catch {
            close()
        }
    }

    func close() {
        guard !isAtEnd else { return }
        isAtEnd = true
        readiness.close()
        onEnd()
    }
}
