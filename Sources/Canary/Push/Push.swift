// A push: it does over the fleet's sessions what Rollout decides, and tells Rollout what came of it. It has the clock,
// the samples and the judge, and decides nothing. `slotsync push` is a terminal around it.

public import SlotSync
public import SystemPackage

/// A push that is under way.
///
/// ```swift
/// let push = Push("build/site", to: fleet, options: options)
/// Task { for await event in push.events { show(event) } }
/// let result = try await push.run()
/// ```
public struct Push: Sendable {
    /// What happens. One consumer; it ends with the push.
    public let events: AsyncStream<PushEvent>
    private let source: FilePath
    private let fleet: Fleet
    private let options: PushOptions
    private let emit: AsyncStream<PushEvent>.Continuation
    private let mail: AsyncStream<PushDriver.Mail>
    private let post: AsyncStream<PushDriver.Mail>.Continuation

    public init(_ source: FilePath, to fleet: Fleet, options: PushOptions) {
        self.source = source
        self.fleet = fleet
        self.options = options
        (events, emit) = AsyncStream.makeStream(of: PushEvent.self)
        (mail, post) = AsyncStream.makeStream(of: PushDriver.Mail.self)
    }

    /// Checks what can be checked before any host is asked: settings, hosts, sources.
    ///
    /// - Throws: ``SlotSyncError`` with the code `badInput`, and what is wrong.
    public static func check(_ options: PushOptions, for fleet: Fleet) throws { _ = try planned(options, fleet) }

    private static func planned(_ options: PushOptions, _ fleet: Fleet) throws -> (RolloutPlan, PushSources) {
        guard options.hooks.areUsable else { throw SlotSyncError(.badInput, Hooks.tooLong) }
        // The plan checks the settings, too.
        var plan = try RolloutPlan(hosts: fleet.hosts, settings: options.canary, mode: options.mode)
        plan.words = fleet.words
        return (
            plan,
            try PushSources(fleet: fleet, settings: options.canary, external: options.external)
        )
    }

    /// Does all of it. Called once.
    ///
    /// - Throws: ``SlotSyncError`` where the settings cannot be used with these hosts; nothing was done then. Whatever
    ///   goes wrong later is part of the result.
    public func run() async throws -> PushResult {
        defer { emit.finish() }
        let (plan, sources) = try Self.planned(options, fleet)
        let connection = await FleetConnection(fleet)
        let driver = PushDriver(
            source: source, plan: plan, options: options, sources: sources, connection: connection, emit: emit,
            post: post)
        let listening = Task { for await event in connection.events { post.yield(.host(event)) } }
        let result = await driver.run(mail)
        await connection.close(atOnce: result.outcome.ending == .abandoned)
        await listening.value
        return result
    }

    /// Ends the push early, in the safe way: hosts that are not confirmed go back, and a watch ends with the release live.
    /// The second time: at once.
    public func interrupt() { post.yield(.rollout(.interrupted)) }

    /// The answer to a question; true: go on.
    public func answer(_ goesOn: Bool) { post.yield(.rollout(.answered(goesOn))) }
}
