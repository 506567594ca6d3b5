// README's example of a push from a program, compiled as its readers would: by the public API alone.

import Canary
import CanaryReport
import SlotSync
import SystemPackage

/// Brings a site live if it makes no more errors on two front ends than on the others. Returns a page about it.
func push(site: String) async throws -> String {
    let fleet = Fleet(hosts: try HostList.parse("web[001-120].example.com"), root: "/srv/www")

    var options = PushOptions()
    options.canary.hosts = .portion(.count(2))
    options.canary.metrics = [
        MetricSettings(name: "errors", source: .host(.log(path: "/var/log/php/error.log", pattern: "PHP Fatal error")))
    ]
    let push = Push(FilePath(site), to: fleet, options: options)
    async let result = push.run()
    for await event in push.events {
        if case .judged(let judgement, _, _) = event { print(judgement.why) }
    }
    return ReportPage(try await result, title: site).html
}
