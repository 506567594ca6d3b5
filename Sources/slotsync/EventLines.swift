// How an event of an operation is shown while a command runs: as a line for people, or as an object for `--json`.

import SlotSync

extension FleetEvent {
    /// The line for standard error where there is no live line; nil for what is only shown there.
    var plainLine: String? {
        guard case .scanned(let release, let files, let bytes) = self else { return nil }
        return "source read: release \(release.short), \(NumberText.count(files, "file")), \(byteText(bytes))"
    }

    /// What is said there of one host, or of all with the same to say.
    ///
    /// - Parameter tellsHosts: whether each host is told of when it is through. Where all wait for all, that is no news.
    func hostLine(isVerbose: Bool, tellsHosts: Bool) -> (host: Host, text: String)? {
        switch self {
        case .hostStarted(let host) where isVerbose: (host, "begun")
        case .loginDropped(let host, let error) where isVerbose: (host, "tried again: \(error)")
        // Hosts that nothing was sent to are told of together, at the end.
        case .hostFinished(let host, .staged(let staged)):
            staged.outcome.kind == .staged || isVerbose ? (host, staged.text) : nil
        // The reason stands in the summary, once for all hosts that share it.
        case .hostFinished(_, .failed(let error)) where error.code == .cancelled && !isVerbose: nil
        case .hostFinished(let host, .failed(let error)):
            isVerbose ? (host, "failed: \(error)") : tellsHosts ? (host, "failed") : nil
        case .scanning, .scanned, .transferred, .filled, .sourceWarning, .hostWarning, .hostStarted, .loginDropped,
            .loginSlow, .lockAwaited, .hookAwaited, .wayAsked, .wayMade:
            nil
        // Told when all hosts are through.
        case .hostFinished(_, .flipped), .hostFinished(_, .installed), .hostFinished(_, .answered): nil
        }
    }

    /// What a host warns of, which is told wherever there is somebody to read it.
    var hostWarning: (host: Host, text: String)? {
        guard case .hostWarning(let host, let text) = self else { return nil }
        return (host, "warning: \(text)")
    }

    /// Who is waited for, told in the same way.
    var wait: (host: Host, text: String)? {
        switch self {
        case .loginSlow(let host):
            (
                host,
                "no greeting yet, and still waited for: the login takes its time, or the remote shell waits for something "
                    + "(try it by hand)"
            )
        case .lockAwaited(let host, let lock): (host, "waiting for the lock, which is held by \(lock.text)")
        case .wayAsked(let host, let lock): (host, "asked to give way: \(lock.text)")
        case .wayMade(let host): (host, "it has given way")
        default: nil
        }
    }

    /// A line that is told wherever there is somebody to read it.
    var warningLine: String? {
        switch self {
        case .sourceWarning(let text): "warning: \(text)"
        default: nil
        }
    }

    /// The object for `--json`; nil for what is no event there, or is told from the report.
    ///
    /// - Parameter words: what commands are told to be typed with.
    func json(_ words: FleetWords) -> JSONValue? {
        switch self {
        case .scanned(let release, let files, let bytes):
            [
                "event": "source", "release": .text(release.id), "name": .text(release.name),
                "files": .number(files), "bytes": .number(bytes),
            ]
        case .sourceWarning(let text): .warning(text)
        case .hostWarning(let host, let text): .warning(words.completing(text, on: [host]), of: [host])
        case .scanning, .transferred, .filled, .hostStarted, .hostFinished, .loginDropped, .loginSlow, .lockAwaited,
            .hookAwaited, .wayAsked, .wayMade:
            nil
        }
    }
}

extension StagedHost {
    /// What was done there.
    var text: String {
        switch outcome.kind {
        case .staged:
            "staged in slot \(outcome.slot): \(NumberText.count(outcome.received, "file")) received, "
                + "\(NumberText.count(outcome.copied)) copied, \(NumberText.count(outcome.kept)) kept; \(byteText(sentBytes)) sent"
        case .alreadyReady: "ready already, in slot \(outcome.slot)"
        case .alreadyLive: "live already, in slot \(outcome.slot)"
        case .alreadyBad: "there already, in slot \(outcome.slot), but bad"
        case .planned: "would go into slot \(outcome.slot), which lacks \(NumberText.count(outcome.received, "file"))"
        }
    }

    var json: JSONValue {
        let result =
            switch outcome.kind {
            case .staged: "staged"
            case .alreadyReady: "already-ready"
            case .alreadyLive: "already-live"
            case .alreadyBad: "already-bad"
            case .planned: "planned"
            }
        return [
            "event": "host", "host": .text(host.label), "result": .text(result), "slot": .number(outcome.slot),
            "received_files": .number(outcome.received), "copied_files": .number(outcome.copied),
            "kept_files": .number(outcome.kept),
            "sent_bytes": .number(sentBytes), "received_bytes": .number(receivedBytes),
        ]
    }
}

extension FlipOutcome {
    func json(of host: Host) -> JSONValue {
        [
            "event": "host", "host": .text(host.label), "result": changed ? "flipped" : "already-live",
            "slot": .number(slot), "live": .text(release.id), "previous": .text(previous?.id),
            "renamed_at": changed && renamedAt != 0 ? .seconds(.nanoseconds(renamedAt), places: 6) : .null,
        ]
    }
}

extension HostFailure {
    /// - Parameter words: what commands are told to be typed with.
    func json(_ words: FleetWords) -> JSONValue {
        [
            "event": "host", "host": .text(host.label), "result": "failed", "code": .text(error.code.rawValue),
            "message": .text(words.completing(error.description, on: [host])),
        ]
    }
}

extension JSONValue {
    /// The object for `--json` of a warning, about these hosts or none.
    static func warning(_ text: String, of hosts: [Host] = []) -> JSONValue {
        [
            "event": "warning", "host": hosts.count == 1 ? .text(hosts[0].label) : .null,
            "hosts": .list(hosts.map { .text($0.label) }), "message": .text(text),
        ]
    }
}
