"""One trial: a command meets a fault, then everything that has to hold is looked at, then the next commands heal."""

import os
import re
import subprocess
import time

from faults import MAY_CRASH, WITHOUT_PATH
from ring_site import Broken

# A command that takes longer than that hangs: hosts are given up after 20 s, on a machine that may do other things.
LONGEST = 180
# An agent whose command is gone ends within that.
LONGEST_END = 60

WORDS = {
    "EIO": "Input/output error", "ENOSPC": "No space left on device", "EDQUOT": "Disk quota exceeded",
    "EMFILE": "Too many open files", "ENOMEM": "Cannot allocate memory", "EINTR": "Interrupted system call",
}
CRASH = re.compile(r"Fatal error|signal (4|5|6|7|8|11)\b|Illegal instruction|Segmentation fault|stack trace", re.I)


class Trial:
    def __init__(self, site, states, scene, end):
        self.site, self.states, self.scene, self.end = site, states, scene, end
        self.crashed = False

    def run(self, how, fault=None):
        """Runs the scene's command under `how`, and looks at what is left.

        Returns whether the fault was met. Raises Broken.
        """
        self.states.restore(self.scene.state)
        self.clear()
        code, errors = self.call(how)
        met = self.is_met(fault)
        self.wait_for_agents()
        if met or fault is None:
            self.check(code, errors, fault)
            self.heal()
        return met

    def call(self, how):
        site = self.site
        site.prefix = ()
        if self.end == "agent":
            with open(site.flag, "w") as file:
                file.write(" ".join(how))
        else:
            site.prefix = tuple(how)
        try:
            code, _, errors = site.run(*self.scene.command, longest=LONGEST)
        except subprocess.TimeoutExpired:
            raise Broken(f"the command does not end within {LONGEST} s") from None
        finally:
            site.prefix = ()
            if os.path.exists(site.flag):
                os.remove(site.flag)
        return code, errors

    def clear(self):
        for name in os.listdir(self.site.work):
            if name.startswith("log"):
                os.remove(os.path.join(self.site.work, name))

    def is_met(self, fault):
        if fault is None or fault.kind == "LIMIT":
            return True
        mark = "killed by SIGKILL" if fault.kind == "KILL" else "(INJECTED)"
        for name in os.listdir(self.site.work):
            if name.startswith("log"):
                with open(os.path.join(self.site.work, name), errors="replace") as file:
                    if mark in file.read():
                        return True
        return False

    def wait_for_agents(self):
        """Waits until no agent works in the roots any more."""
        end = time.monotonic() + LONGEST_END
        mark = self.site.folder.encode()
        while True:
            left = []
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{pid}/cmdline", "rb") as file:
                        if mark in file.read() and int(pid) != os.getpid():
                            left.append(int(pid))
                except OSError:
                    pass
            if not left:
                return
            if time.monotonic() > end:
                for pid in left:
                    try:
                        os.kill(pid, 9)
                    except ProcessLookupError:
                        pass
                raise Broken(f"{len(left)} processes are left {LONGEST_END} s after the command's end")
            time.sleep(0.01)

    # What holds

    def check(self, code, errors, fault):
        scene, site = self.scene, self.site
        live = {host: site.live(host) for host in scene.hosts}
        for host, name in live.items():
            if name not in (scene.before, scene.after):
                raise Broken(f"{name} is live on {host}")
        if code == 0 and any(name != scene.after for name in live.values()):
            raise Broken(f"the command ended well, and {live} is live")
        if code == 1 and any(name != scene.before for name in live.values()):
            raise Broken(f"the command failed (1), and {live} is live, not {scene.before}: {errors}")
        if fault is None:
            if code != 0:
                raise Broken(f"the command ended with {code}: {errors}")
            return
        if fault.kind == "KILL" and self.end == "command":
            return
        self.check_words(code, errors, fault)

    def check_words(self, code, errors, fault):
        if code < 0 or CRASH.search(errors):
            # Of so few descriptors the command's Dispatch gets none, and its memory is never enough for the run time.
            if fault.call not in MAY_CRASH | {"as", "stack"} and (self.end, fault.call) != ("command", "nofile"):
                raise Broken(f"a crash ({code}): {errors[-1500:]}")
            self.crashed = True
            return
        if code not in (0, 1, 2, 3, 64):
            raise Broken(f"exit code {code}: {errors}")
        if code == 0:
            return
        if fault.kind == "EINTR":
            raise Broken(f"an interrupted call fails the command: {errors}")
        if not errors.strip():
            raise Broken(f"exit code {code} without a word")
        if self.end == "agent" and "web1" not in errors:
            raise Broken(f"no host is named: {errors}")
        word = WORDS.get(fault.kind)
        for line in errors.splitlines():
            # A session's pipe is no file either, nor is standard output.
            is_pipe = "session" in line or "standard output" in line
            if word and word in line and fault.call not in WITHOUT_PATH and not is_pipe:
                if "/" not in line.replace(word, ""):
                    raise Broken(f"no path is named: {line}")

    def heal(self):
        scene, site = self.scene, self.site
        for command in scene.healing:
            code, _, errors = site.run(*command, longest=LONGEST)
            if code != 0:
                raise Broken(f"the next `{command[0]}` ends with {code}: {errors}")
        if scene.name == "install" and os.listdir(site.installed) != ["slotsync-agent"]:
            raise Broken(f"the next install leaves {os.listdir(site.installed)}")
        wanted = next((c[1] for c in reversed(scene.healing) if c[0] == "flip"), scene.after)
        for host in scene.hosts:
            if site.live(host) != wanted:
                raise Broken(f"the next commands leave {site.live(host)} live on {host}, not {wanted}")
            left = os.listdir(site.tmp(host))
            if left:
                raise Broken(f"the next commands leave {left} in .slotsync/tmp of {host}")
