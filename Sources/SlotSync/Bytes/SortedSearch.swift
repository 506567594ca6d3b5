// Search in what is sorted, by halving. Manifests, needs and indexes of contents are sorted arrays: a dictionary
// would take several times their memory.

extension RandomAccessCollection where Index == Int {
    /// The index of the first element for which `isBehind` is true; the end if there is none.
    ///
    /// - Parameter isBehind: false for the elements before some place, true for all from there on.
    @inline(__always)
    package func partitioningIndex(where isBehind: (Element) -> Bool) -> Int {
        var range = startIndex..<endIndex
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            range = isBehind(self[middle]) ? range.lowerBound..<middle : middle + 1..<range.upperBound
        }
        return range.lowerBound
    }

    /// The index of an element whose key this is, where the elements are sorted by their keys; nil if there is none.
    @inline(__always)
    func index<Key: Comparable>(of key: Key, sortedBy keyOf: (Element) -> Key) -> Int? {
        let index = partitioningIndex { keyOf($0) >= key }
        return index < endIndex && keyOf(self[index]) == key ? index : nil
    }
}
