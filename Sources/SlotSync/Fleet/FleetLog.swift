// What the fleet does, for whoever has to find out why: debug lines through swift-log, which an embedding
// program sends where it likes. Nothing that a user must know is told here alone.

import Logging

/// Labelled `slotsync`; only at the level `debug`.
let fleetLog = Logger(label: "slotsync")
