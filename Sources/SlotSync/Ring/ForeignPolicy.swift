// What a stage does where a slot that it fills holds what SlotSync did not put there. The controller says it, the host
// does it.

/// What a stage does with entries of a slot that are not SlotSync's, and with files that were edited. The raw value is the
/// word for it in slotsync.yml.
public enum ForeignPolicy: String, Sendable, Hashable, CaseIterable {
    /// They go, and the host says which.
    case remove
    /// Additions stay where the release has nothing at their path; anything else is refused.
    case keep
    /// Nothing is changed where there are any.
    case refuse
}
