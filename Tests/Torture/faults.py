"""Which faults there are: what a system call can be made to do, and at which of its calls.

strace makes calls fail, or kills the process at one. It counts calls for each thread. What a program makes before its
own code runs (the dynamic linker's calls) is left out: nobody can mend that.
"""

import os
import random
import re
import subprocess
from dataclasses import dataclass

READS = {"read", "pread64", "newfstatat", "fstat", "statx", "getdents64", "readlinkat", "lseek", "fstatfs", "statfs"}
WRITES = {"write", "pwrite64", "mkdirat", "symlinkat", "linkat", "renameat", "renameat2", "fsync", "syncfs", "fallocate",
          "ftruncate", "copy_file_range", "fsetxattr", "lsetxattr", "setxattr", "splice", "utimensat"}
CHANGES = {"unlinkat", "fchmod", "fchmodat", "fchmodat2", "chmod", "fchown", "fchownat", "close", "flock", "fremovexattr",
           "flistxattr", "fgetxattr", "llistxattr", "lgetxattr", "ioctl", "unlink", "rename", "mkdir"}
OPENS = {"openat", "openat2", "pipe2", "dup", "fcntl", "epoll_create1", "eventfd2", "timerfd_create", "memfd_create"}
WAITS = {"poll", "ppoll", "epoll_wait", "epoll_pwait", "epoll_ctl", "wait4"}
MEMORY = {"mmap", "mprotect", "brk", "clone3", "clone", "vfork", "munmap"}
ALL = READS | WRITES | CHANGES | OPENS | WAITS | MEMORY

# What each fault is tried on.
KINDS = {
    "KILL": ALL - MEMORY - {"close", "fstat", "lseek"},
    "EIO": READS | WRITES | CHANGES | {"openat", "openat2", "epoll_ctl", "poll"},
    "ENOSPC": WRITES | {"openat"},
    "EDQUOT": WRITES | {"openat"},
    "EMFILE": OPENS,
    "ENOMEM": OPENS | MEMORY | {"poll", "epoll_ctl", "getdents64", "newfstatat", "statx", "splice", "write", "read"},
    "EINTR": {"read", "write", "pread64", "pwrite64", "openat", "openat2", "fsync", "syncfs", "wait4", "poll", "ppoll",
              "epoll_wait", "copy_file_range", "splice", "flock", "fallocate", "ftruncate", "getdents64"},
}
# A run time without memory ends the process, and so does Swift's Dispatch where it gets no descriptor of its own. That says
# no more than it.
MAY_CRASH = MEMORY | {"epoll_create1", "eventfd2", "timerfd_create", "epoll_ctl"}
# What is about no file: an error of these has no path.
WITHOUT_PATH = MAY_CRASH | WAITS | {"pipe2", "dup", "fcntl", "memfd_create"}
# The latest call of a thread that is tried.
LATEST = 600


@dataclass(frozen=True)
class Fault:
    kind: str
    call: str
    when: int

    def inject(self):
        """What strace is told."""
        what = "signal=KILL" if self.kind == "KILL" else f"error={self.kind}"
        return f"-e trace={self.call} -e inject={self.call}:{what}:when={self.when}"

    def __str__(self):
        return f"{self.kind}:{self.call}:{self.when}"

    @classmethod
    def parse(cls, text):
        kind, call, when = text.split(":")
        return cls(kind, call, int(when))


def counts(log):
    """How often one thread at most made each call, as strace wrote it."""
    most, by_thread = {}, {}
    with open(log, errors="replace") as file:
        for line in file:
            found = re.match(r"(\d+) +(?:<\.\.\. )?(\w+)(?: resumed>|\()", line)
            if not found or "<... " in line[:30]:
                continue
            thread, call = found.groups()
            by_thread[thread, call] = by_thread.get((thread, call), 0) + 1
            most[call] = max(most.get(call, 0), by_thread[thread, call])
    return most


def known_calls():
    """Those of ALL that this machine's strace knows."""
    known = set()
    for call in ALL:
        tried = subprocess.run(["strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "true"], capture_output=True)
        if tried.returncode == 0:
            known.add(call)
    return known


def start_counts(program, calls, folder):
    """How often a program makes each call before it does anything."""
    log = os.path.join(folder, "start")
    subprocess.run(
        ["strace", "-f", "-qq", "-o", log, "-e", "trace=" + ",".join(sorted(calls)), program, "--version"],
        stdout=subprocess.DEVNULL, check=True)
    return counts(log)


def draw(profiles, starts, seed):
    """Faults without end, in which each pair of place, call and kind comes as often as any other.

    Parameter profiles: by the place (a scene and an end), how often one thread makes each call there.
    Parameter starts: by the end, how many of them are the linker's.
    """
    generator = random.Random(seed)
    groups = [
        (place, kind, call)
        for place, profile in sorted(profiles.items())
        for kind, calls in KINDS.items()
        for call in sorted(calls)
        # A call that a program makes as often before it begins may be made by another thread: it is tried from 1 on.
        if profile.get(call, 0) > starts[place[1]].get(call, 0)
    ]
    while groups:
        generator.shuffle(groups)
        for place, kind, call in groups:
            first = starts[place[1]].get(call, 0) + 1
            yield place, Fault(kind, call, generator.randint(first, min(profiles[place][call], first + LATEST)))
