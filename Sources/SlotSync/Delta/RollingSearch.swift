// Rolls a window over content to the first position whose weak checksum a block has: the loops that run once a
// byte wherever nothing matches, and set the delta engine's speed. DeltaEncoder calls `roll`.

extension BlockIndex {
    /// A window on content and its hash.
    struct Window {
        var position: Int
        var hash: UInt64

        init(at position: Int, of content: UnsafeRawBufferPointer, length: Int) {
            self.position = position
            hash = WeakChecksum.hash(UnsafeRawBufferPointer(rebasing: content[position..<position + length]))
        }

        var weak: UInt32 { WeakChecksum.checksum(hash) }
    }

    /// Moves the window on by one byte.
    func step(_ window: inout Window, over content: UnsafeRawBufferPointer) {
        let entering = content[window.position + windowLength]
        window.hash =
            (window.hash &+ UInt64(entering)) &* WeakChecksum.multiplier
            &- leavingWeights[Int(content[window.position])]
        window.position += 1
    }

    /// Rolls the window from its position on, which is looked at as well, to the first one at most `last` whose
    /// weak checksum a block has, or is that of zeros. False: there is none, and the window has no meaning any more.
    func roll(_ window: inout Window, over content: UnsafeRawBufferPointer, last: Int) -> Bool {
        precondition(window.position >= 0 && last + windowLength <= content.count && !leavingWeights.isEmpty)
        guard window.position <= last else { return false }
        // A second lane costs the hash of a block, which pays only where matches are far apart.
        let laneLength = max(8 * windowLength, 16 * 1024)
        if rollAlone(&window, over: content, to: min(last, window.position + laneLength / 2)) { return true }
        while last - window.position >= 2 * laneLength {
            if rollTwoLanes(&window, over: content, laneLength: laneLength) { return true }
        }
        return rollAlone(&window, over: content, to: last) || isKnown(window.weak)
    }

    /// True: the window is at the first known position before `end`; false: it is at `end`.
    private func rollAlone(_ window: inout Window, over content: UnsafeRawBufferPointer, to end: Int) -> Bool {
        while true {
            pass(&window, over: content, to: end)
            guard window.position < end else { return false }
            if isKnown(window.weak) { return true }
            step(&window, over: content)
        }
    }

    /// Rolls over two stretches at once, so that the processor need not wait for either's multiplications.
    /// True: the window is at the first known position of both stretches; false: it is at their end.
    private func rollTwoLanes(
        _ window: inout Window, over content: UnsafeRawBufferPointer, laneLength: Int
    ) -> Bool {
        let border = window.position + laneLength
        var second = Window(at: border, of: content, length: windowLength)
        while true {
            pass(&window, &second, over: content, to: border)
            guard window.position < border else {
                window = second
                return false
            }
            if isKnown(window.weak) { return true }
            if isKnown(second.weak) {
                // Unless something comes before it.
                if !rollAlone(&window, over: content, to: border) { window = second }
                return true
            }
            step(&window, over: content)
            step(&second, over: content)
        }
    }

    // The two loops below hold nothing but what they need, so that all of it stays in registers. They read up to
    // the last byte of a window at `end`, which the callers keep within the content.

    /// Rolls to the first position before `end` that passes the filter, or to `end`.
    @inline(never)
    private func pass(_ window: inout Window, over content: UnsafeRawBufferPointer, to end: Int) {
        guard let base = content.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        withTables { filter, mask, weights in
            var hash = window.hash
            var leaving = window.position
            var entering = leaving &+ windowLength
            while leaving < end, !Self.passes(hash, filter, mask) {
                hash = (hash &+ UInt64(base[entering])) &* WeakChecksum.multiplier &- weights[Int(base[leaving])]
                leaving &+= 1
                entering &+= 1
            }
            window.hash = hash
            window.position = leaving
        }
    }

    /// Rolls both windows in step until one of them passes the filter, or the first is at `end`.
    @inline(never)
    private func pass(
        _ first: inout Window, _ second: inout Window, over content: UnsafeRawBufferPointer, to end: Int
    ) {
        guard let base = content.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        withTables { filter, mask, weights in
            let secondBase = base + (second.position - first.position)
            var hash = first.hash
            var secondHash = second.hash
            var leaving = first.position
            var entering = leaving &+ windowLength
            while leaving < end {
                if Self.passes(hash, filter, mask) { break }
                if Self.passes(secondHash, filter, mask) { break }
                hash = (hash &+ UInt64(base[entering])) &* WeakChecksum.multiplier &- weights[Int(base[leaving])]
                secondHash =
                    (secondHash &+ UInt64(secondBase[entering])) &* WeakChecksum.multiplier
                    &- weights[Int(secondBase[leaving])]
                leaving &+= 1
                entering &+= 1
            }
            second.position += leaving - first.position
            second.hash = secondHash
            first.position = leaving
            first.hash = hash
        }
    }

    @inline(__always)
    private func withTables(_ body: (UnsafePointer<UInt64>, UInt64, UnsafePointer<UInt64>) -> Void) {
        filter.withUnsafeBufferPointer { filter in
            leavingWeights.withUnsafeBufferPointer { weights in
                guard let filter = filter.baseAddress, let weights = weights.baseAddress else { return }
                body(filter, filterMask, weights)
            }
        }
    }
}
