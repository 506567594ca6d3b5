// What a source holds at paths that outlive releases. A link stands there in the release, so it is no part of it; hosts put
// into `shared/` what they lack of it, once.

extension Manifest {
    /// What this manifest has at these paths and below them, with the folders above; nothing but the root where it has
    /// nothing. A link at a shared path itself is left out: from `shared/` it would lead elsewhere.
    ///
    /// - Parameter paths: relative paths, checked by `SharedPaths`.
    func seeds(at paths: [[ArraySlice<UInt8>]]) -> Manifest {
        var isKept = [Bool](repeating: false, count: count)
        var isBelow = isKept
        for path in paths {
            guard var index = entry(at: path), entries[index].kind != .symbolicLink else { continue }
            isBelow[index] = true
            while index != 0 {
                isKept[index] = true
                index = Int(entries[index].parent)
            }
        }
        for index in entries.indices.dropFirst() where isBelow[Int(entries[index].parent)] { isBelow[index] = true }
        return keeping { isKept[$0] || isBelow[$0] }
    }
}
