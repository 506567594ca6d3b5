// Which hosts a command goes to: those of the command line, or else those of the configuration. Never both, so that a
// command for one host goes to that host alone. A list that was given and names nobody is a mistake, as an unset variable
// of a script makes it: what stands in the configuration would reach everybody. FleetOptions asks.

import ArgumentParser
import SlotSync
import SystemPackage

extension FleetOptions {
    /// The hosts, and what is to be said of them.
    ///
    /// What the configuration leaves out, it leaves out of its own hosts.
    ///
    /// - Throws: a usage error that names the option, or the configuration's line.
    func namedHosts(_ configuration: Configuration) throws -> (hosts: [Host], notices: [String]) {
        let isNamedHere = !hosts.isEmpty || hostsFile != nil
        let selection = try isNamedHere ? selectionOfOptions(configuration) : self.selection(of: configuration)
        guard !selection.hasNobody else {
            let lack = Configuration.lack(named: config).map { "\($0); " } ?? ""
            throw ValidationError("no hosts: \(lack)name them with --hosts or --hosts-file, or in slotsync.yml")
        }
        var notices: [String] = []
        var exceptions: [(place: String, list: HostSelection)] = []
        if !isNamedHere { exceptions.append((configuration.exceptPlace, configuration.except)) }
        for text in except { exceptions.append(("--except", try list(text, of: "--except"))) }
        if let exceptFile {
            let list = try usage("--except-file") { () throws(SlotSyncError) in
                try HostSelection(file: FilePath(exceptFile))
            }
            // A list of hosts that are being repaired is empty on a good day.
            if list.isEmpty { notices.append("--except-file leaves nobody out: \(quoted(exceptFile)) names no host") }
            exceptions.append(("--except-file \(exceptFile)", list))
        }
        var left = selection
        for (place, list) in exceptions {
            try usage(place) { () throws(SlotSyncError) in try selection.check(leavingOut: list) }
            left.leaveOut(list)
        }
        let place =
            !hosts.isEmpty ? "--hosts" : hostsFile.map { "--hosts-file \($0)" } ?? configuration.hostsPlace
        return (try usage(place) { () throws(SlotSyncError) in try left.hosts() }, notices)
    }

    private func selectionOfOptions(_ configuration: Configuration) throws -> HostSelection {
        var selection = HostSelection()
        for text in hosts { selection.add(try list(text, of: "--hosts")) }
        if let hostsFile {
            let list = try usage("--hosts-file") { () throws(SlotSyncError) in
                try HostSelection(file: FilePath(hostsFile))
            }
            guard !list.isEmpty else {
                throw ValidationError("--hosts-file names nobody: there is no host in \(quoted(hostsFile))")
            }
            selection.add(list)
        }
        guard !selection.hasNobody else {
            let option = hosts.isEmpty ? "--hosts-file" : "--hosts"
            let left = selection.exceptionText
            let isConfigured = !configuration.hosts.hasNobody || configuration.hostsFile != nil
            throw ValidationError(
                "\(option) names nobody, and only leaves out \(left): "
                    + (isConfigured
                        ? "for the configuration's hosts without \(left), give --except \(ShellWords.quoted(left)) in its place"
                        : "name the hosts that \(left) is left out of"))
        }
        return selection
    }

    private func selection(of configuration: Configuration) throws -> HostSelection {
        var selection = configuration.hosts
        guard let file = configuration.hostsFile else { return selection }
        let list = try usage { () throws(SlotSyncError) in try HostSelection(file: file) }
        guard !list.isEmpty else {
            throw ValidationError(
                "\(configuration.hostsPlace): names nobody: there is no host in \(quoted(file.string))")
        }
        selection.add(list)
        return selection
    }

    private func list(_ text: String, of option: String) throws -> HostSelection {
        let list = try usage(option) { () throws(SlotSyncError) in try HostSelection(text) }
        guard !list.isEmpty else {
            throw ValidationError("\(option) names nobody: \(quoted(text)) has no host in it; is a variable unset?")
        }
        return list
    }
}
