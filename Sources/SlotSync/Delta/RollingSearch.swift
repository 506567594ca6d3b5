// Rolls a window over content to the first position whose weak checksum a block has. These loops run once a byte
// wherever nothing matches, and set the delta engine's speed. SegmentSearch calls `roll`.

extension BlockIndex {
    /// A window on content and its hash.
    struct Window {
        var position: Int
        var hash: UInt64

        init(position: Int, hash: UInt64) {
            self.position = position
            self.hash = hash
        }

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

    /// Rolls the window from its position on, which is looked at as well, to the first one at most `last` whose weak
    /// checksum a block has, or is that of zeros, and which is a match. False: there is none, and the window has no
    /// meaning any more.
    /// - Parameter isMatch: has the last word. It is not asked in the order of positions: the last one that it takes
    ///   for a match is the one that the window is at in the end.
    func roll(
        _ window: inout Window, over content: UnsafeRawBufferPointer, last: Int,
        isMatch: (Window) -> Bool = { _ in true }
    ) -> Bool {
        precondition(window.position >= 0 && last + windowLength <= content.count && !leavingWeights.isEmpty)
        guard window.position <= last else { return false }
        // A further lane costs the hash of a block, and is in vain if one before it finds a match: lanes pay only where
        // matches are far apart.
        let laneLength = max(16 * windowLength, 16 * 1024)
        let start = min(last, window.position + laneLength / 4)
        if rollAlone(&window, over: content, to: start, isMatch: isMatch) { return true }
        while last - window.position >= laneLength {
            let length = min(laneLength, (last - window.position) / Lanes.count)
            if rollInLanes(&window, over: content, laneLength: length, isMatch: isMatch) { return true }
        }
        return rollAlone(&window, over: content, to: last, isMatch: isMatch)
            || (isKnown(window.weak) && isMatch(window))
    }

    /// True: the window is at the first match before `end`; false: it is at `end`.
    private func rollAlone(
        _ window: inout Window, over content: UnsafeRawBufferPointer, to end: Int, isMatch: (Window) -> Bool
    ) -> Bool {
        while true {
            pass(&window, over: content, to: end)
            guard window.position < end else { return false }
            if isKnown(window.weak), isMatch(window) { return true }
            step(&window, over: content)
        }
    }

    /// Rolls over several stretches at once, so that the processor need not wait for the multiplications of one.
    /// True: the window is at the first match of all stretches; false: it is at their end.
    private func rollInLanes(
        _ window: inout Window, over content: UnsafeRawBufferPointer, laneLength: Int, isMatch: (Window) -> Bool
    ) -> Bool {
        var lanes = Lanes(from: window, length: laneLength, over: content, windowLength: windowLength)
        let border = window.position + laneLength
        while true {
            pass(&lanes, over: content, to: border)
            guard lanes.position < border else {
                window = lanes[Lanes.count - 1]
                return false
            }
            for lane in 0..<Lanes.count where isKnown(lanes[lane].weak) && isMatch(lanes[lane]) {
                // Unless something comes before it.
                for earlier in 0..<lane {
                    window = lanes[earlier]
                    step(&window, over: content)
                    let end = border + earlier * laneLength
                    if rollAlone(&window, over: content, to: end, isMatch: isMatch) { return true }
                }
                window = lanes[lane]
                return true
            }
            for lane in 0..<Lanes.count {
                var window = lanes[lane]
                step(&window, over: content)
                lanes.hashes[lane] = window.hash
            }
            lanes.position += 1
        }
    }

    /// Windows in neighbouring stretches of the same length, all at the same place in theirs.
    private struct Lanes {
        static let count = 4

        /// The first one's.
        var position: Int
        let length: Int
        var hashes: SIMD4<UInt64>

        init(from window: Window, length: Int, over content: UnsafeRawBufferPointer, windowLength: Int) {
            position = window.position
            self.length = length
            hashes = SIMD4(repeating: window.hash)
            for lane in 1..<Self.count {
                hashes[lane] = Window(at: position + lane * length, of: content, length: windowLength).hash
            }
        }

        subscript(lane: Int) -> Window { Window(position: position + lane * length, hash: hashes[lane]) }
    }

    // The two loops below hold nothing but what they need, so that most of it stays in registers. They read up to
    // the last byte of a window at `end`, which the callers keep within the content.

    /// Rolls to the first position before `end` that passes the filter, or to `end`.
    @inline(never)
    private func pass(_ window: inout Window, over content: UnsafeRawBufferPointer, to end: Int) {
        guard let base = content.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        withTables { filter, weights in
            var hash = window.hash
            var leaving = window.position
            var entering = leaving &+ windowLength
            while leaving < end, !filter.pass(hash) {
                hash = (hash &+ UInt64(base[entering])) &* WeakChecksum.multiplier &- weights[Int(base[leaving])]
                leaving &+= 1
                entering &+= 1
            }
            window.hash = hash
            window.position = leaving
        }
    }

    /// Rolls all windows in step until one of them passes the filter, or the first is at `end`.
    @inline(never)
    private func pass(_ lanes: inout Lanes, over content: UnsafeRawBufferPointer, to end: Int) {
        guard let base0 = content.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        let base1 = base0 + lanes.length
        let base2 = base1 + lanes.length
        let base3 = base2 + lanes.length
        withTables { filter, weights in
            @inline(__always)
            func rolled(_ hash: UInt64, _ base: UnsafePointer<UInt8>, _ leaving: Int, _ entering: Int) -> UInt64 {
                (hash &+ UInt64(base[entering])) &* WeakChecksum.multiplier &- weights[Int(base[leaving])]
            }
            var (hash0, hash1, hash2, hash3) = (lanes.hashes[0], lanes.hashes[1], lanes.hashes[2], lanes.hashes[3])
            var leaving = lanes.position
            var entering = leaving &+ windowLength
            while leaving < end {
                if filter.pass(hash0) { break }
                if filter.pass(hash1) { break }
                if filter.pass(hash2) { break }
                if filter.pass(hash3) { break }
                hash0 = rolled(hash0, base0, leaving, entering)
                hash1 = rolled(hash1, base1, leaving, entering)
                hash2 = rolled(hash2, base2, leaving, entering)
                hash3 = rolled(hash3, base3, leaving, entering)
                leaving &+= 1
                entering &+= 1
            }
            lanes.hashes = SIMD4(hash0, hash1, hash2, hash3)
            lanes.position = leaving
        }
    }

    @inline(__always)
    private func withTables(_ body: (ChecksumFilter.Tables, UnsafePointer<UInt64>) -> Void) {
        filter.withTables { filter in
            leavingWeights.withUnsafeBufferPointer { weights in
                guard let weights = weights.baseAddress else { return }
                body(filter, weights)
            }
        }
    }
}
