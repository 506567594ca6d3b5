// The contents of a release are kept for the next stage in the background, from when all hosts have been encoded for to
// the stage's end, which waits for it.

import Dispatch

@FleetActor
final class Keeping {
    private let filling: BasisCacheFilling?
    private let source: ReleaseSource
    private var task: Task<SlotSyncError?, Never>?

    /// - Parameter filling: nil: nothing is kept.
    init(_ filling: BasisCacheFilling?, _ source: ReleaseSource) {
        self.filling = filling
        self.source = source
    }

    func begin() {
        guard let filling, task == nil else { return }
        let source = source
        task = Task.detached {
            await withCheckedContinuation { done in
                // A queue's thread, since it reads and writes for as long as it takes.
                DispatchQueue.global(qos: .utility).async {
                    do throws(SlotSyncError) {
                        try filling.finish(source)
                        done.resume(returning: nil)
                    } catch { done.resume(returning: error) }
                }
            }
        }
    }

    /// Waits for it, if it has begun; not for long if the stage is interrupted now, when hosts have all they need.
    ///
    /// - Returns: what went wrong.
    func end() async -> SlotSyncError? {
        await withTaskCancellationHandler {
            await task?.value
        } onCancel: {
            cancel()
        }
    }

    nonisolated func cancel() { filling?.cancel() }
}
