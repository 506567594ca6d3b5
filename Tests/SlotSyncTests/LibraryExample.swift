// README's example of the library, compiled as its readers would: by the public API alone.

import SlotSync
import SystemPackage

/// Brings a site live on all front ends, and takes it back if `isHealthy` says so.
func release(site: String, version: String, isHealthy: () async throws -> Bool) async throws {
    let fleet = Fleet(hosts: try HostList.parse("web[001-120].example.com"), root: "/srv/www")

    var options = StageOptions()
    options.name = version
    try options.exclusions.add(pattern: ".git")
    let staging = fleet.stage(FilePath(site), options: options)
    for await event in staging.events {
        switch event {
        case .transferred(let sent, let planned): print("\(byteText(sent)) of \(byteText(planned))")
        case .hostFinished(let host, .failed(let error)): print("\(host): \(error)")
        default: break
        }
    }
    let staged = try await staging.report
    guard staged.failures.isEmpty else { return }

    let flipped = try await fleet.flip(.id(staged.release.id)).report
    guard flipped.failures.isEmpty else { return }  // and taken back, wherever it had been live

    if try await !isHealthy() { _ = try await fleet.rollback().report }
}
