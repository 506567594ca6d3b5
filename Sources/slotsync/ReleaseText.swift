// How the command's output names a release.

import SlotSync

extension ReleaseName {
    /// `3f2a09bc`, or `3f2a09bc (v1.4.2)`: for a row and a sentence. Eight digits tell releases apart.
    var short: String {
        let digits = String(id.description.prefix(8))
        return name.isEmpty ? digits : "\(digits) (\(name))"
    }

    /// All digits, and the name if there is one.
    var long: String { name.isEmpty ? "\(id)" : "\(id) (\(name))" }
}
