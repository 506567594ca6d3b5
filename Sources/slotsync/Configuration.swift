// Reads slotsync.yml, which holds what would otherwise stand on every command line. FleetOptions reads it first; the
// options override it. The file is read strictly: an unknown key or a value of the wrong type is an error that names
// file and line. A setting that is ignored in silence is one that somebody relies on.

import Canary
import Glibc
import SlotSync
import SystemPackage
import Yams

/// The settings of a configuration file; nil, or an empty list, where it says nothing.
struct Configuration: Sendable, Equatable {
    var hosts = HostSelection()
    var hostsFile: FilePath?
    var except = HostSelection()
    /// Where hosts are named and left out, for errors that come later: `slotsync.yml:3: except`.
    var hostsPlace = ""
    var exceptPlace = ""
    var root: String?
    var transport: Transport.Kind?
    var rsh: String?
    var remoteCommand: String?
    var slots: Int?
    var parallel: Int?
    var timeout: Duration?
    var maxFailures: HostPortion?
    var exclude: [String] = []
    var excludeFrom: FilePath?
    var shared: [String] = []
    var sharedFiles: [String] = []
    var foreign: ForeignPolicy?
    var chmod: [String] = []
    var owner: Bool?
    var hardLinks: Bool?
    var xattrs: Bool?
    var digest: ReleaseDigest?
    /// A file of keys, one of which has to have signed what is staged.
    var verifyKey: FilePath?
    var wholeFile: Bool?
    var compressLevel: Int?
    var cacheDirectory: FilePath?
    var cacheSize: UInt64?
    var hooks = Hooks()
    /// The first value that cannot be used of those that only a stage goes by; see ``checkForStage()``.
    private var stageFault: SlotSyncError?
    /// The section `canary`, or what is wrong with its values; see ``canarySection()``.
    var canary: Result<CanarySection, SlotSyncError>?

    /// Read when `--config` names no other; it need not be there.
    static let defaultFile: FilePath = "slotsync.yml"
    /// The largest configuration that is read, in bytes.
    static let largestFile = 1 << 20
    /// The most sessions at once that can be asked for.
    static let mostParallel = 10_000

    /// The file that `--config` named, or the default one if it exists.
    static func load(named file: FilePath?) throws(SlotSyncError) -> Configuration {
        let path = file ?? defaultFile
        let bytes: [UInt8]
        do {
            bytes = try contents(of: path, atMost: largestFile, what: "configuration")
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            guard file != nil else { return Configuration() }
            throw SlotSyncError(
                .badInput,
                "there is no configuration \(quoted(path.string)), which --config names"
                    + (path.isAbsolute ? "" : " (looked for in \(quoted(currentFolder)))"))
        }
        if bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]) {
            throw SlotSyncError(.badInput, "the configuration \(path) is UTF-16; save it as UTF-8")
        }
        guard let text = String(validating: withoutByteOrderMark(bytes), as: UTF8.self) else {
            throw SlotSyncError(.badInput, "the configuration \(path) is not UTF-8 text; save it as UTF-8")
        }
        return try Configuration(parsing: text, file: path)
    }

    init() {}

    /// What may have been meant to be the configuration where the default one is not there: in this folder under another
    /// name, or in a folder above. Its path, as it can be given to `--config`.
    static var mistaken: String? {
        for name in ["slotsync.yaml", ".slotsync.yml", ".slotsync.yaml", "slotsync.yml.txt", "slotsync.json"]
        where access(name, F_OK) == 0 {
            return name
        }
        var folder = FilePath(currentFolder)
        var path = "../\(defaultFile)"
        while !folder.components.isEmpty {
            if access(path, F_OK) == 0 { return path }
            folder.removeLastComponent()
            path = "../" + path
        }
        return nil
    }

    private static var currentFolder: String {
        guard let path = getcwd(nil, 0) else { return "." }
        defer { free(path) }
        return String(cString: path)
    }

    /// Why there are no settings, and what to do; nil: there is a configuration.
    static func lack(named file: String?) -> String? {
        guard file == nil, access(defaultFile.string, F_OK) != 0 else { return nil }
        let found = mistaken.map { ", but \($0), which is not read: name it with --config \($0)" }
        return "there is no \(defaultFile) in \(quoted(currentFolder))\(found ?? "")"
    }

    /// The settings of the section `canary`, for a command that goes by them. All others are none of its business: who has
    /// to roll back must not be stopped by a share of canaries that makes no sense.
    ///
    /// - Throws: a usage error for a value that cannot be used, with file and line.
    func canarySection() throws -> CanarySection {
        guard let canary else { return CanarySection() }
        return try usage { () throws(SlotSyncError) in try canary.get() }
    }

    /// The files that it names for the controller's own use, which no release is to hold. Those of patterns may.
    var ownFiles: [FilePath] {
        let section = try? canary?.get()
        return [hostsFile].compactMap(\.self) + (section?.queries.values.flatMap(\.access.files) ?? [])
    }

    /// Checks the settings that only a stage goes by, for a command that stages. They stop no other: an exclusion that cannot
    /// be used is no reason not to roll back.
    ///
    /// - Throws: a usage error for a value that cannot be used, with file and line.
    func checkForStage() throws {
        guard let stageFault else { return }
        try usage { () throws(SlotSyncError) in throw stageFault }
    }

    /// Reads the text of `file`; paths in it are relative to the directory that holds the file.
    init(parsing text: String, file: FilePath) throws(SlotSyncError) {
        guard let root = try ConfigurationNode(parsing: text, file: file.string) else { return }
        for (name, value) in try root.entries(allowing: Key.allCases.map(\.rawValue)) {
            guard let key = Key(rawValue: name) else { continue }
            do { try read(key, value) } catch {
                guard Key.ofStages.contains(key) else { throw error }
                stageFault = stageFault ?? error
            }
        }
    }

    private mutating func read(_ key: Key, _ value: ConfigurationNode) throws(SlotSyncError) {
        switch key {
        case .hosts:
            hosts = try value.hostSelection()
            hostsPlace = value.place
        case .except:
            except = try value.hostSelection()
            exceptPlace = value.place
        case .hostsFile:
            hostsFile = try value.path()
            hostsPlace = value.place
        case .root: self.root = try value.text()
        case .transport: transport = try value.read(.choice)
        case .rsh: rsh = try value.command()
        case .remoteCommand: remoteCommand = try value.text()
        case .slots: slots = try value.read(.number(in: RingStatus.slotCounts))
        case .parallel: parallel = try value.read(.number(in: 1...Configuration.mostParallel))
        case .timeout: timeout = try value.read(.timeout)
        case .maxFailures: maxFailures = try value.read(.portion)
        case .exclude: exclude = try value.patterns()
        case .excludeFrom: excludeFrom = try value.path()
        case .shared: shared = try value.sharedPaths()
        case .sharedFiles: sharedFiles = try value.sharedPaths()
        case .chmod: chmod = try value.modes()
        case .foreign: foreign = try value.read(.choice)
        case .owner: owner = try value.boolean()
        case .hardLinks: hardLinks = try value.boolean()
        case .xattrs: xattrs = try value.boolean()
        case .digest: digest = try value.read(.choice)
        case .verifyKey: verifyKey = try value.path()
        case .wholeFile: wholeFile = try value.boolean()
        case .compressLevel: compressLevel = try value.read(.number(in: StageOptions.compressionLevels))
        case .cacheDirectory: cacheDirectory = try value.path()
        case .cacheSize: cacheSize = try value.read(.size)
        case .hooks: hooks = try Hooks(value)
        case .canary:
            try CanarySection.checkKeys(value)
            canary = Result { () throws(SlotSyncError) in try CanarySection(value) }
        }
    }

    private enum Key: String, CaseIterable {
        case hosts, except
        case hostsFile = "hosts_file"
        case root, transport, rsh
        case remoteCommand = "remote_command"
        case slots, parallel, timeout
        case maxFailures = "max_failures"
        case exclude
        case excludeFrom = "exclude_from"
        case shared
        case sharedFiles = "shared_files"
        case foreign, chmod, owner
        case hardLinks = "hard_links"
        case xattrs, digest
        case verifyKey = "verify_key"
        case wholeFile = "whole_file"
        case compressLevel = "compress_level"
        case cacheDirectory = "cache_dir"
        case cacheSize = "cache_size"
        case hooks, canary

        /// Only a stage goes by these.
        static let ofStages: Set<Key> = [
            .exclude, .excludeFrom, .shared, .sharedFiles, .foreign, .chmod, .owner, .hardLinks, .xattrs, .digest,
            .verifyKey, .wholeFile, .compressLevel, .cacheDirectory, .cacheSize,
        ]
    }
}

extension Hooks {
    private enum Key: String, CaseIterable {
        case beforeFlip = "before_flip"
        case afterFlip = "after_flip"
        case afterRollback = "after_rollback"
    }

    fileprivate init(_ node: ConfigurationNode) throws(SlotSyncError) {
        self.init()
        for (key, value) in try node.entries(allowing: Key.allCases.map(\.rawValue)) {
            switch Key(rawValue: key) {
            case .beforeFlip: beforeFlip = try value.hook()
            case .afterFlip: afterFlip = try value.hook()
            case .afterRollback: afterRollback = try value.hookOrNone()
            case nil: break
            }
        }
    }
}

extension ConfigurationNode {
    /// Host lists, each of them text as `HostSelection` reads it.
    fileprivate func hostSelection() throws(SlotSyncError) -> HostSelection {
        var selection = HostSelection()
        for item in try items() {
            selection.add(try item.explaining { text throws(SlotSyncError) in try HostSelection(text) })
        }
        do { try selection.check() } catch { throw wrong(error.message) }
        return selection
    }

    /// The hosts of such lists.
    func hosts() throws(SlotSyncError) -> [Host] {
        let selection = try hostSelection()
        do {
            return try selection.hosts()
        } catch {
            throw wrong(error.message)
        }
    }

    /// Exclusions, compiled once here so that an error names its line.
    fileprivate func patterns() throws(SlotSyncError) -> [String] {
        for item in try items() {
            try item.explaining { text throws(SlotSyncError) in
                var exclusions = Exclusions()
                try exclusions.add(pattern: text)
            }
        }
        return try texts()
    }

    fileprivate func sharedPaths() throws(SlotSyncError) -> [String] {
        let paths = try texts()
        do { try StageOptions.checkShared(paths) } catch { throw wrong(error.message) }
        return paths
    }

    /// A command of this machine, as `rsh` has one.
    fileprivate func command() throws(SlotSyncError) -> String {
        try explaining { text throws(SlotSyncError) in
            _ = try ShellWords.split(text)
            return text
        }
    }

    fileprivate func hook() throws(SlotSyncError) -> String { try usable(hook: text()) }

    /// A hook that may be turned off by no value, or `""`.
    fileprivate func hookOrNone() throws(SlotSyncError) -> String { try usable(hook: textOrNone()) }

    private func usable(hook: String) throws(SlotSyncError) -> String {
        guard hook.utf8.count <= Hooks.longest else { throw wrong(Hooks.tooLong) }
        return hook
    }

    /// Changes of modes, read once here so that an error names its line.
    fileprivate func modes() throws(SlotSyncError) -> [String] {
        for item in try items() {
            try item.explaining { text throws(SlotSyncError) in
                var modes = ModeChanges()
                try modes.add(text)
            }
        }
        return try texts()
    }

    private func explaining<Value>(
        _ read: (String) throws(SlotSyncError) -> Value
    ) throws(SlotSyncError) -> Value {
        let text = try text()
        do {
            return try read(text)
        } catch {
            throw wrong(error.message)
        }
    }
}
