// The built programs, judged from outside: what a person's shell would see, what stands on the hosts' disks, and what
// rsync thinks of it. Every suite hangs below this one, so that one test at a time has the machine's cores.

import Testing

@Suite(.serialized)
enum EndToEnd {}
