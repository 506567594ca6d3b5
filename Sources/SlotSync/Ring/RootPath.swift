// What a root may look like. Each end of a session asks here: a `~` belongs to a user of the host, whose home nobody but a
// shell of his knows, and the root's path stands in links, hooks and metrics, too.

enum RootPath {
    /// Checks the root of a fleet: for an agent that a person starts a relative one may do, but a session begins wherever
    /// a login does. Empty: the command needs none.
    ///
    /// - Throws: ``SlotSyncError`` with the code `badInput` for a root that is not absolute.
    static func check(ofFleet root: String) throws(SlotSyncError) {
        try check(root)
        guard !root.isEmpty, root.utf8.first != UInt8(ascii: "/") else { return }
        let variable =
            root.utf8.first == UInt8(ascii: "$") ? ": no shell reads it, so no variable is put in" : ""
        throw SlotSyncError(
            .badInput,
            "root \(quoted(root))\(variable): a root is the folder's whole path on the host, from / on, such as "
                + "/srv/www")
    }

    /// - Throws: ``SlotSyncError`` with the code `badInput` for a root that begins with `~`, or has a part that is `~` alone:
    ///   what was put before it was put before a home.
    static func check(_ root: String) throws(SlotSyncError) {
        guard root.utf8.first == UInt8(ascii: "~") || root.split(separator: "/").contains("~") else { return }
        throw SlotSyncError(
            .badInput,
            "root \(quoted(root)): a root is the folder's whole path on the host, without ~, such as /home/deploy/www: "
                + "`ssh HOST pwd` tells which home a login on the host has")
    }
}
