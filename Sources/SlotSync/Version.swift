/// The version of this build, as `--version` prints it and the two ends of a session exchange it.
public enum SlotSyncVersion {
    /// Major, minor, patch; ends of different major versions do not talk.
    public static let current = "0.2.0"
}
