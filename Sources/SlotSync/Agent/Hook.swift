// A shell command of the user's that runs on the host before or after a flip. It runs in the slot that it is about, and its
// environment tells it what happens there.

import Glibc
import SystemPackage

/// What a hook is about.
struct HookSubject {
    /// Absolute.
    var root: FilePath
    /// The slot that goes live, is live, or is live again.
    var slot: Int
    var release: ReleaseName
    /// What was live before; nil: nothing.
    var before: ReleaseName?
    /// What the controller calls the host; empty: it did not say.
    var host: String

    var folder: FilePath { root.appending("slots").appending("\(slot)") }

    var variables: [(name: String, value: String?)] {
        [
            ("SLOTSYNC_ROOT", root.string), ("SLOTSYNC_SLOT", "\(slot)"), ("SLOTSYNC_RELEASE", "\(release.id)"),
            ("SLOTSYNC_NAME", release.name), ("SLOTSYNC_PREVIOUS", before.map { "\($0.id)" } ?? ""),
            ("SLOTSYNC_PREVIOUS_NAME", before?.name ?? ""), ("SLOTSYNC_HOST", host),
        ]
    }
}

extension AgentSession {
    func subject(slot: Int, _ release: ReleaseName, before: ReleaseName?) throws(SlotSyncError) -> HookSubject {
        var folder = FilePath(root)
        if folder.isRelative {
            guard let here = getcwd(nil, 0) else {
                throw SlotSyncError(.hookFailed, "a hook cannot be run: the folder that the root is in is gone")
            }
            defer { free(here) }
            folder = FilePath(platformString: here).pushing(folder)
        }
        return HookSubject(
            root: folder.withoutDots, slot: slot, release: release, before: before, host: hostName)
    }
}

extension FilePath {
    /// The same folder by a path without `.` and `..`. Behind a link `..` leads elsewhere than the path's text says, so
    /// that the system is asked where.
    fileprivate var withoutDots: FilePath {
        guard components.contains(where: { $0.kind == .parentDirectory }) else { return lexicallyNormalized() }
        guard let path = withPlatformString({ realpath($0, nil) }) else { return self }
        defer { free(path) }
        return FilePath(platformString: path)
    }
}

/// A shell command that runs before or after a flip.
struct Hook {
    /// The names of what hooks print, in the folder that they are given for it.
    static let outputs = ["before_flip", "after_flip", "after_rollback"].map { output(of: $0) }
    private static func output(of name: String) -> String { "\(name).output" }

    /// The error message quotes so many bytes of the end of its output.
    private static let longestQuote = 2048

    let name: String
    let command: String

    /// Runs the command by `/bin/sh -c` in the slot's folder, and waits for it, not for what it leaves running in the
    /// background.
    ///
    /// - Parameters:
    ///   - subject: what it is about, and what its environment says.
    ///   - temporary: a folder for its output, which must never get into the session. The output goes to a file,
    ///     because a daemon that the hook starts may keep a pipe open for ever.
    ///   - reasonToStop: asked again and again while it runs; what it says ends the hook with all that it started.
    /// - Throws: `hookFailed` with the exit status and the end of what it printed, or the reason to stop.
    func run(for subject: HookSubject, temporary: Directory, stoppedBy reasonToStop: () -> SlotSyncError?) throws {
        guard !command.isEmpty else { return }
        let output = try makeOutput(in: temporary)
        defer { try? output.close() }
        let process: SpawnedProcess
        do {
            let input = try SpawnedProcess.emptyInput()
            defer { try? input.close() }
            process = try SpawnedProcess(
                ["/bin/sh", "-c", command], variables: subject.variables, in: subject.folder, input: input,
                output: output, errors: output)
        } catch {
            throw SlotSyncError(
                .hookFailed,
                "the \(name) hook could not be run by /bin/sh in \(quoted(subject.folder.string))", errno: error)
        }
        var reason: SlotSyncError?
        let end = process.wait {
            reason = reasonToStop()
            return reason != nil
        }
        if let reason {
            process.endGroup()
            throw reason
        }
        let failure: String
        switch end {
        case .exited(0), nil: return
        case .exited(let code): failure = "exit code \(code)"
        case .signalled(let signal): failure = "signal \(signal)"
        case .unknown(let error): failure = "nobody knows how it ended: \(error)"
        }
        let lines = ((try? lastLines(of: output)) ?? []).joined(separator: " / ")
        throw SlotSyncError(
            .hookFailed, "the \(name) hook failed (\(failure))\(lines.isEmpty ? "" : ": \(quoted(lines))")")
    }

    /// An unlinked file for what the hook prints: in memory where the disk is full, or a hook that says a word would
    /// fail for it.
    private func makeOutput(in temporary: Directory) throws -> FileDescriptor {
        let space = try? FileSystemSpace(of: temporary.descriptor)
        if space.map({ $0.freeBytes >= Self.leastSpace && $0.freeInodes != 0 }) ?? false {
            let file = Self.output(of: name)
            try? temporary.remove(file)
            if let output = try? temporary.openFile(file, O_RDWR | O_CREAT | O_EXCL | O_APPEND, mode: 0o600) {
                try? temporary.remove(file)
                return output
            }
        }
        do { return try .inMemory(name) } catch {
            throw SlotSyncError(
                .hookFailed, "the \(name) hook could not be run: there is no place for its output", errno: error)
        }
    }

    /// A disk with less is as good as full.
    private static let leastSpace: UInt64 = 1 << 20

    private func lastLines(of output: FileDescriptor) throws -> [Substring] {
        let size = try output.status().size
        let start = size - min(size, UInt64(Self.longestQuote))
        let bytes = try [UInt8](unsafeUninitializedCapacity: Self.longestQuote) { buffer, count in
            count = try output.readFully(at: Int64(start), into: UnsafeMutableRawBufferPointer(buffer))
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").suffix(3)
    }
}
