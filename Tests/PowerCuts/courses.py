"""What is done on the recording disk, and what SlotSync promised meanwhile.

A course is a list of steps. A step runs a command and says what holds while it runs and from its end on: which
releases may be live, and which is ready. Agents are killed at system calls that put something on the disk, and the
command is run once more: what it then says is a promise like any other.
"""

import os
import stat
from dataclasses import dataclass

# The system calls at which an agent is killed: all that orders, syncs or changes names.
KILLED_AT = "fsync,syncfs,renameat,renameat2,unlinkat,symlinkat"


@dataclass
class Promise:
    """What has to hold for cuts between two positions of the log."""

    what: str
    begin: int
    end: int
    # Names of releases that may be live on a host; None: that nothing is.
    live: frozenset
    ready: str | None = None
    # What is live on each host, where that was told.
    told: dict | None = None
    # Files of others below each root, which stay.
    kept: frozenset = frozenset()


class Course:
    """Runs commands, and writes down what they promise."""

    def __init__(self, disk, site, folder, always=None):
        self.disk, self.site = disk, site
        self.promises = []
        self.live = frozenset({None})
        self.kept = frozenset()
        self.since = disk.log.position()
        self.flag = os.path.join(folder, "kill")
        site.agent = self.wrapper(folder, site.program, always)

    def wrapper(self, folder, program, always):
        """An agent that strace does something to: always, or once. The first agent takes the flag file with the lowest
        number, and does what stands in it: nothing, if it is empty."""
        path = os.path.join(folder, "agent")
        with open(path, "w") as file:
            file.write(
                "#!/bin/sh\n"
                f'for flag in "{self.flag}".[0-9]; do\n'
                f'    mv "$flag" "{self.flag}-$$" 2>/dev/null || continue\n'
                f'    when=$(cat "{self.flag}-$$")\n'
                f'    rm "{self.flag}-$$"\n'
                '    [ -n "$when" ] || break\n'
                f'    exec strace -f -qqq -o /dev/null -e trace={KILLED_AT} -e inject="$when" "{program}" "$@"\n'
                "done\n"
                + (f'exec strace -f -qqq -o /dev/null -e trace=fsync,syncfs -e inject={always} "{program}" "$@"\n'
                   if always else f'exec "{program}" "$@"\n'))
        os.chmod(path, stat.S_IRWXU)
        return path

    def step(self, what, run, live=None, ready=None, meanwhile=frozenset()):
        """Runs a step that has to end well. From its end on `live` is live, and `ready` is ready.

        Parameter meanwhile: what may be live while it runs, beside what is before and after.
        """
        code, _, errors = run()
        if code != 0:
            raise RuntimeError(f"{what} ended with {code}: {errors}")
        after = self.live if live is None else frozenset({live})
        self.note(what, self.live | after | meanwhile, after, ready)

    def disturbed(self, what, run, inject, live, agent=0, meanwhile=frozenset()):
        """Runs a step in which an agent is killed. If it ends well all the same, `live` is live; else it may be.

        Parameters:
            agent: how many agents start before that one, at most 9.
            meanwhile: what may be live beside that, unless it ends well.
        """
        flags = [f"{self.flag}.{number}" for number in range(agent + 1)]
        for flag in flags:
            # Whole at once: an agent of the command before may still be starting.
            with open(self.flag, "w") as file:
                file.write(inject if flag == flags[-1] else "")
            os.rename(self.flag, flag)
        code, _, _ = run()
        while_it_ran = self.live | {live} | meanwhile
        after = frozenset({live}) if code == 0 else while_it_ran
        self.note(f"{what}, with {inject} in agent {agent}", while_it_ran, after)
        left = [flag for flag in flags if os.path.exists(flag)]
        for flag in left:
            os.remove(flag)
        if len(left) == len(flags):
            raise RuntimeError(f"{what} started no agent")

    def plant(self, name):
        """Others put a file into the live slot, and make it durable: no stage may take it away."""
        for host in self.site.hosts:
            path = os.path.realpath(os.path.join(self.site.root(host), "current", "lib", f"foreign-{name}"))
            with open(path, "w") as file:
                file.write(name)
        os.sync()
        self.kept |= {os.path.relpath(path, self.site.root(host))}
        self.note(f"a file of others beside {name}", self.live, self.live)

    def cut_short(self, what, run, live):
        """Runs a step whose command is killed."""
        run()
        self.note(what, self.live | {live}, self.live | {live})

    def asked(self, what):
        """Asks for the status. What it tells of each host has to hold."""
        told = self.site.told()
        self.note(what, self.live, frozenset(told.values()), told=told)

    def note(self, what, meanwhile, after, ready=None, told=None):
        now = self.disk.log.position()
        # While a file was planted it need not be there yet.
        kept = self.promises[-1].kept if self.promises else frozenset()
        self.promises.append(Promise(f"while: {what}", self.since, now, meanwhile, kept=kept))
        # It holds for whatever is sent to the disk until the next command begins: that is now, and what is left over.
        self.promises.append(Promise(f"after: {what}", now, now, after, ready, told, self.kept))
        self.live, self.since = after, now


def killed(number):
    """What strace does to an agent at the Nth call of one of its threads."""
    return f"{KILLED_AT}:signal=KILL:when={number}"


def begin(course):
    """A release is live, and nothing is beside it."""
    course.step("stage a", lambda: course.site.stage("a"), ready="a")
    course.step("flip a", lambda: course.site.flip("a"), live="a")


def first_releases(course):
    """A ring is made and goes through releases, with nobody in its way."""
    site = course.site
    begin(course)
    course.step("stage b", lambda: site.stage("b"), ready="b")
    course.step("flip b", lambda: site.flip("b"), live="b", ready="a")
    course.step("rollback", lambda: site.run("rollback"), live="a", ready="b")
    course.step("flip b again", lambda: site.flip("b"), live="b", ready="a")
    course.step("stage c over the first lap", lambda: site.stage("c"), ready="c")
    course.step("flip c", lambda: site.flip("c"), live="c", ready="b")


def told_again(course, numbers):
    """An agent is killed in a stage, a flip and a rollback. What is said when the command is run again has to hold."""
    site = course.site
    begin(course)
    before = "a"
    for number in numbers:
        new = f"r{number}"
        course.disturbed(f"stage {new}", lambda: site.stage(new), killed(number), live=before)
        course.step(f"stage {new} again", lambda: site.stage(new), ready=new)
        course.disturbed(f"flip {new}", lambda: site.flip(new), killed(number), live=new)
        course.step(f"flip {new} again", lambda: site.flip(new), live=new, ready=before)
        course.disturbed("rollback", lambda: site.run("rollback", "--to", before), killed(number), live=before)
        course.step("flip back again", lambda: site.flip(before), live=before, ready=new)
        course.step(f"flip {new} for good", lambda: site.flip(new), live=new, ready=before)
        before = new
