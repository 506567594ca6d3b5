// Does the same work on many inputs, on all cores and in bounded memory, and delivers the results in the order of the
// inputs. `slotsync judge` judges recordings with it.

/// Runs `work` on each input and hands the results over in the inputs' order.
///
/// - Parameters:
///   - limit: how many inputs may be under way, or done and waiting for one before them.
///   - room: no further input is taken while these have more than so many bytes, by `size`.
///   - next: the next input; nil: there are no more. Called by one task at a time, as is `deliver`.
/// - Throws: what `next` and `deliver` throw. What was taken before `next` threw is delivered first.
func inOrder<Input: Sendable, Output: Sendable>(
    limit: Int,
    room: Int,
    size: (Input) -> Int,
    next: () throws -> Input?,
    work: @escaping @Sendable (Input) async -> Output,
    deliver: (Output) throws -> Void
) async throws {
    try await withThrowingTaskGroup(of: (Int, Output).self) { group in
        var taken = 0
        var delivered = 0
        var waiting: [Int: Output] = [:]
        var sizes: [Int: Int] = [:]
        var total = 0
        var failure: (any Error)?
        var isAtEnd = false
        while true {
            while !isAtEnd, taken - delivered < limit, total <= room {
                let input = Result { try next() }
                switch input {
                case .success(let input?):
                    let index = taken
                    sizes[index] = size(input)
                    total += sizes[index]!
                    group.addTask { (index, await work(input)) }
                    taken += 1
                case .success(nil): isAtEnd = true
                case .failure(let error):
                    failure = error
                    isAtEnd = true
                }
            }
            guard let (index, output) = try await group.next() else { break }
            waiting[index] = output
            while let output = waiting.removeValue(forKey: delivered) {
                try deliver(output)
                total -= sizes.removeValue(forKey: delivered)!
                delivered += 1
            }
        }
        if let failure { throw failure }
    }
}
