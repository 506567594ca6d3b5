#!/usr/bin/python3
"""Faults: every system call of an agent, and of a command, fails once: with an error, by a kill, or short; or it runs
into a limit. After each, `current` is a whole release, the command has ended by itself and said where and why, and the
next one heals. `make torture` runs this.

A control, an agent whose renames do nothing and say that they did, has to be caught.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "PowerCuts"))

import faults
from faults import Fault
from limits import limits
from ring_site import Broken
from scenes import States, TortureSite, releases_in, scenes
from trial import Trial


class Torture:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.releases = releases_in(os.path.join(folder, "releases"))
        all_hosts = ("web1", "web2", "web3")
        self.agent = arguments.agent or os.path.join(os.path.dirname(arguments.command), "slotsync-agent")
        self.site = TortureSite(arguments.command, self.agent, os.path.join(folder, "work"), self.releases, all_hosts)
        self.states = States(self.site, os.path.join(folder, "states"))
        os.mkdir(self.states.folder)
        self.states.make()
        self.scenes = {scene.name: scene for scene in scenes(self.releases)}
        self.log = os.path.join(self.site.work, "log")
        self.short = self.compile_short()
        self.tried, self.met, self.broken, self.crashed = Counter(), Counter(), [], 0

    def compile_short(self):
        """The library that makes reads and writes short; None where there is no compiler."""
        compiler = shutil.which("cc") or shutil.which("clang")
        if not compiler:
            return None
        library = os.path.join(self.folder, "short_io.so")
        source = os.path.join(HERE, "short_io.c")
        subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        return library

    def strace(self, end, options):
        # Children of a command are not followed: they are other programs.
        children = ["-b", "execve"] if end == "command" else ["--seccomp-bpf"]
        return ["strace", "-f", *children, "-q", "-o", self.log, *options]

    def trial(self, place):
        scene = self.scenes[place[0]]
        self.site.hosts = scene.hosts
        return Trial(self.site, self.states, scene, place[1])

    def profile(self, place, calls):
        """How often one thread makes each call in a scene, where nothing fails."""
        self.trial(place).run(self.strace(place[1], ["-e", "trace=" + ",".join(sorted(calls))]))
        logs = [name for name in os.listdir(self.site.work) if name.startswith("log")]
        return faults.counts(os.path.join(self.site.work, logs[0]))

    def attempt(self, place, what, how, fault=None, kind=None):
        """One trial. What is broken is told with what repeats it."""
        trial = self.trial(place)
        kind = kind or fault.kind
        self.tried[kind] += 1
        try:
            met = trial.run(how, fault)
        except Broken as error:
            met = True
            self.broken.append(f"{' '.join(place)} {what}")
            print(f"BROKEN --only '{' '.join(place)} {what}': {error}", flush=True)
        self.crashed += trial.crashed
        if met:
            self.met[kind, fault.call if fault else "short reads and writes"] += 1
        return met

    # What is tried

    def inject(self, place, fault):
        return self.attempt(place, str(fault), self.strace(place[1], fault.inject().split()), fault)

    def shorten(self, place, seed):
        """All reads and writes of both ends, or of an agent, give or take less than they were asked for."""
        how = ["env", f"LD_PRELOAD={self.short}", f"SHORT_IO_SEED={seed}"]
        return self.attempt(place, f"SHORT:{seed}", how, kind="SHORT")

    def limit(self, place, name, value):
        how = ["prlimit", f"--{name}={value}"]
        return self.attempt(place, f"LIMIT:{name}:{value}", how, fault=Fault("LIMIT", name, value))

    def control(self):
        """An agent whose renames claim what they do not do has to be caught."""
        options = ["-e", "trace=renameat,renameat2", "-e", "inject=renameat,renameat2:retval=0"]
        trial = self.trial(("flip", "agent"))
        try:
            trial.run(self.strace("agent", options))
        except Broken as error:
            print(f"the control is caught: {error}"[:200])
            return
        sys.exit("torture: an agent whose renames do nothing was not caught, so the rest says nothing")

    def only(self, text):
        *place, what = text.split()
        place = tuple(place)
        if what.startswith("SHORT:"):
            self.shorten(place, int(what.split(":")[1]))
        elif what.startswith("LIMIT:"):
            self.limit(place, what.split(":")[1], int(what.split(":")[2]))
        else:
            self.inject(place, Fault.parse(what))

    def all(self):
        arguments = self.arguments
        end = time.monotonic() + arguments.seconds if arguments.seconds else None
        places = [
            (scene.name, way) for scene in self.scenes.values() for way in scene.ends
            if scene.name in arguments.scenes.split() and way in arguments.ends.split()
        ]
        self.control()
        calls = faults.known_calls()
        starts = {
            "agent": faults.start_counts(self.agent, calls, self.folder),
            "command": faults.start_counts(arguments.command, calls, self.folder),
        }
        generator = random.Random(arguments.seed)
        others = limits(places, generator) if arguments.limits else []
        if self.short:
            others += [lambda place=place, n=n: self.shorten(place, arguments.seed * 1000 + n)
                       # What an installation starts on a host are other people's programs.
                       for place in places if place[0] != "install" for n in range(arguments.shorts)]
        others = [other if callable(other) else (lambda o=other: self.limit(*o)) for other in others]
        generator.shuffle(others)
        profiles = {}
        for place in places:
            profiles[place] = self.profile(place, calls)
            if end and time.monotonic() > end:
                break
        drawn = faults.draw(profiles, starts, arguments.seed)
        wanted = {kind for kind in arguments.kinds.split()}
        done = 0
        # Limits and short calls are spread among the faults.
        share = max(1, arguments.faults // max(1, len(others)))
        while done < arguments.faults and not (end and time.monotonic() > end):
            if others and done % share == 0:
                others.pop()()
            place, fault = next(drawn)
            if fault.kind in wanted:
                self.inject(place, fault)
                done += 1

    def report(self):
        by_kind = Counter()
        by_call = Counter()
        for (kind, call), count in self.met.items():
            by_kind[kind] += count
            by_call[call] += count
        for kind, tried in sorted(self.tried.items()):
            print(f"{kind}: {tried} injected, {by_kind[kind]} met")
        print("met at: " + ", ".join(f"{call} {count}" for call, count in by_call.most_common()))
        print(
            f"{sum(self.tried.values())} faults, {sum(by_kind.values())} met, {self.crashed} ended a program for want of "
            f"memory, {len(self.broken)} promises broken")
        return 1 if self.broken else 0


def main():
    parser = argparse.ArgumentParser(prog="torture", description=__doc__)
    parser.add_argument("--command", required=True, help="the built slotsync, with slotsync-agent beside it")
    parser.add_argument("--agent", help="another agent")
    parser.add_argument("--memory", default="/dev/shm", help="where the roots are kept")
    parser.add_argument("--faults", type=int, default=1000, help="how many, beside limits and short calls")
    parser.add_argument("--seconds", type=float, help="no new fault after so long")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scenes", default="first-stage stage flip rollback verify status install push")
    parser.add_argument("--ends", default="agent command")
    parser.add_argument("--kinds", default="KILL EIO ENOSPC EDQUOT EMFILE ENOMEM EINTR")
    parser.add_argument("--shorts", type=int, default=5, help="runs with short reads and writes, for each scene and end")
    parser.add_argument("--no-limits", dest="limits", action="store_false", help="leave out the limits of a process")
    parser.add_argument("--only", help="one fault, as a line says that begins with BROKEN")
    arguments = parser.parse_args()
    arguments.command = os.path.abspath(arguments.command)
    if not shutil.which("strace"):
        sys.exit("torture: strace is missing: scripts/dependencies test installs it")
    # Where two threads crash at once, what Swift starts to look at them waits for ever, and keeps the pipes open.
    os.environ["SWIFT_BACKTRACE"] = "enable=no"
    with tempfile.TemporaryDirectory(prefix="torture-", dir=arguments.memory) as folder:
        torture = Torture(arguments, folder)
        # Whoever ends it hears what was found until then.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(torture.report()))
        signal.signal(signal.SIGINT, lambda *_: sys.exit(torture.report()))
        if arguments.only:
            torture.only(arguments.only)
        else:
            torture.all()
        sys.exit(torture.report())


if __name__ == "__main__":
    main()
