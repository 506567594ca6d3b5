// The configuration, and JSON: text that is read by a library, and then by us.

import JSONCoding
import SystemPackage

@testable import Canary
@testable import SlotSync
@testable import slotsync

let configurationTargets = [
    FuzzTarget(
        name: "configuration", longest: 6000,
        words: [
            "hosts: ", "except: ", "hosts_file: ", "root: ", "transport: ", "rsh: ", "remote_command: ", "slots: ",
            "parallel: ",
            "timeout: ", "max_failures: ", "exclude: ", "exclude_from: ", "shared: ", "shared_files: ", "foreign: ",
            "chmod: ",
            "owner: ", "hard_links: ", "xattrs: ", "whole_file: ", "compress_level: ", "cache_dir: ", "cache_size: ",
            "hooks:\n",
            "before_flip: ", "after_flip: ", "after_rollback: ", "canary:\n", "phases: ", "hold_back: ", "baseline: ",
            "window: ",
            "settle: ", "interval: ", "watch: ", "significance: ", "tolerance: ", "on_inconclusive: ", "metrics:\n",
            "name: ",
            "source: ", "kind: ", "worse: ", "from: ", "weight: ", "critical: ", "path: ", "match: ", "run: ", "url: ",
            "query: ",
            "label: ", "headers: ", "headers_file: ", "bearer_token_file: ", "&a ", "*a", "<<: ", "!!binary ", "? ",
            "|\n", ">-\n",
            "{host}", "prometheus", "loadavg", "command", "log", "counter", "gauge", "---\n", "- ",
        ]
    ) {
        [
            fullConfiguration, "hosts: [web1, 'web[2-3]']\nroot: /srv/{host}\nshared: uploads\n",
            "exclude: &a ['*.log']\nshared: *a\n",
        ]
        .map { Array($0.utf8) }
    } run: { bytes in
        guard let text = String(validating: bytes, as: UTF8.self),
            let configuration = accepted({ () throws(SlotSyncError) in
                try Configuration(parsing: text, file: "folder/slotsync.yml")
            })
        else { return false }
        if let slots = configuration.slots { demand(RingStatus.slotCounts.contains(slots), "a ring of \(slots) slots") }
        if let parallel = configuration.parallel { demand(1...10_000 ~= parallel, "\(parallel) sessions") }
        if let timeout = configuration.timeout {
            demand((.seconds(1)...(.seconds(86_400))).contains(timeout), "\(timeout)")
        }
        demand(configuration.hooks.beforeFlip.utf8.count <= Hooks.longest, "a hook that no host takes")
        _ = (configuration.ownFiles, try? configuration.checkForStage(), try? configuration.hosts.hosts())
        guard let section = acceptedAny({ try configuration.canarySection() }) else { return true }
        demand(
            section.settings.interval > 0 && section.settings.interval.isFinite,
            "an interval of \(section.settings.interval) s")
        guard let hosts = try? HostList.parse("web[1-20]") else { return false }
        if let plan = acceptedAny({ try RolloutPlan(hosts: hosts, settings: section.settings, mode: .full) }) {
            demand(plan.hosts.count == hosts.count, "a plan of \(plan.hosts.count) hosts")
        }
        return true
    },
    FuzzTarget(
        name: "json", words: ["null", "true", "false", "\\u0000", "\\ud83d\\ude00", "1e308", "-0", "{\"", "\":", "[["]
    ) {
        [#"{"a":[1,-0.5e-3,"x\u0000\"é",null,true],"":{"b":{}}}"#, "[[[[]]]]", "18446744073709551615"].map {
            Array($0.utf8)
        }
    } run: { bytes in
        guard let text = json(bytes) else { return false }
        demand(json(Array(text.utf8)) == text, "JSON reads as another one: \(text)")
        return true
    },
]

private let fullConfiguration = """
    hosts: ['web[1-9]', '!web7']
    root: /srv/www
    slots: 5
    timeout: 30s
    max_failures: 5%
    exclude: ['*.log', '!keep.log']
    shared: [uploads]
    chmod: [D755, F644]
    foreign: keep
    cache_size: 2G
    hooks:
      before_flip: ./bin/warm-up
      after_rollback: ""
    canary:
      hosts: 5%
      phases: [10%, 50%]
      baseline: 60s
      interval: 5s
      significance: 1%
      metrics:
        - {name: load, source: loadavg}
        - name: errors
          source: log
          path: /var/log/app-*.log
          match: ' 5\\d\\d '
          critical: true
        - name: http
          source: prometheus
          url: http://ann:secret@prometheus:9090
          query: sum(rate(x{instance="{host}:9100"}[30s]))
          headers: {X-Scope-OrgID: a}

    """

private func json(_ bytes: [UInt8]) -> String? {
    accepted { () throws(SlotSyncError) in
        let parser = try JSONParser(maximumLength: 8192, maximumDepth: 32)
        let text = bytes.withUnsafeBytes { bytes in
            Result { () throws(SlotSyncError) in
                try parser.read(bytes) { value throws(SlotSyncError) in try value.written() }
            }
        }
        return try text.get()
    }
}

extension JSONElement {
    /// The value as it is written.
    fileprivate func written() throws(SlotSyncError) -> String {
        if let boolean { return boolean ? "true" : "false" }
        if let number { return numberAsJSON(number) }
        if let text { return quotedAsJSON(text) }
        var parts: [String] = []
        if isArray {
            try forEachElement { (_, element) throws(SlotSyncError) in parts.append(try element.written()) }
            demand(parts.count == count, "an array of \(count) elements has \(parts.count)")
            return "[\(parts.joined(separator: ","))]"
        }
        guard isObject else { return "null" }
        try forEachMember { (name, element) throws(SlotSyncError) in
            parts.append("\(quotedAsJSON(name)):\(try element.written())")
        }
        demand(parts.count == count, "an object of \(count) members has \(parts.count)")
        return "{\(parts.joined(separator: ","))}"
    }
}
