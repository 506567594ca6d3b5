// Prints what the library logs to standard error, one line each, for `--verbose`.

import Logging
import SlotSync
import SystemPackage

struct StandardErrorLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .debug
    private let label: String

    static func bootstrap() { LoggingSystem.bootstrap { StandardErrorLog(label: $0) } }

    private init(label: String) { self.label = label }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        let details = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        let line = escapedForDisplay("\(event.level) \(label): \(event.message)\(details)")
        _ = try? FileDescriptor.standardError.writeFully("\(line)\n")
    }
}
