// The built programs, judged from outside: what a person's shell would see, what stands on the hosts' disks, and what
// rsync thinks of it. Every suite hangs below one of these two, which run beside each other, one test at a time in each:
// a fleet's tests mostly wait, a ring's mostly work.

import Testing

/// What happens in a host's ring: stages, flips, the way back, damage.
@Suite("End to end: a ring", .serialized)
enum EndToEnd {}

/// What happens between a controller and its hosts, and what takes time: pushes, sessions, hooks, readings.
@Suite("End to end: a fleet", .serialized)
enum FleetEndToEnd {}
