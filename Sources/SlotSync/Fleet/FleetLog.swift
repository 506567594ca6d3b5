// Debug lines through swift-log, for whoever has to find out why the fleet does what it does. An embedding program
// sends them where it likes. Nothing that a user must know is told here alone.

import Logging

/// Labelled `slotsync`; only at the level `debug`.
let fleetLog = Logger(label: "slotsync")
