// Encodes batches on as many cores as there are, away from the fleet's actor, and tells it what came of each. How hard
// frames are compressed depends on who waits. Where hosts have taken all that was made, a quick patch is better than a
// small one; where they are behind, there is time for a small one.

@FleetActor
final class EncoderPool {
    let encoder: PairEncoder
    /// Whether hosts wait for frames, and not frames for hosts.
    var isAwaited: @FleetActor () -> Bool = { false }
    private var active = 0

    init(_ encoder: PairEncoder) { self.encoder = encoder }

    /// Whether another batch can begin.
    var isFree: Bool { active < encoder.parallelism }
    /// Whether one can begin that takes all cores by itself.
    var isIdle: Bool { active == 0 }

    /// Encodes a batch.
    ///
    /// - Parameters:
    ///   - publish: called with frames, in their order, before the end.
    ///   - end: called with the jobs that are in no frame since their basis is in the cache no longer.
    func encode(
        _ batch: GroupEncoding.Batch, publish: @escaping @FleetActor @Sendable ([SpoolRange]) -> Void,
        end: @escaping @FleetActor @Sendable (Result<[EncodingJob], any Error>) -> Void
    ) {
        let share = batch.isLong ? encoder.parallelism : 1
        active += share
        let level = isAwaited() ? encoder.levels.quick : encoder.levels.usual
        let encoder = encoder
        // The actor's queue is serial: frames arrive in the order in which they were made, and before the end.
        let publish = { @Sendable (ranges: [SpoolRange]) in
            FleetActor.queue.async { FleetActor.assumeIsolated { publish(ranges) } }
        }
        Task { @FleetActor in
            let result = await onQueue {
                Result {
                    if batch.isLong {
                        return try encoder.encodeLong(batch.jobs[0], level: level) { publish([$0]) } ? [] : batch.jobs
                    }
                    let made = try encoder.encode(batch.jobs, level: level)
                    publish(made.ranges)
                    return made.withoutBasis
                }
            }
            active -= share
            end(result)
        }
    }
}
