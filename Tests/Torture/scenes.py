"""What is done while a fault is injected, from which state, and what has to be live afterwards."""

import os
import shutil
import stat
import subprocess
from dataclasses import dataclass, field

from ring_site import Releases, Site

SHARED = "shared: [uploads, .env]\n"
HOOKS = "hooks:\n  before_flip: test -e version\n  after_flip: echo reloaded\n"
CANARY = """
canary:
  hosts: 1
  baseline: 400ms
  window: 400ms
  settle: 0s
  interval: 100ms
  watch: 400ms
  on_inconclusive: continue
  metrics: [{name: fixed, source: command, run: "echo 1"}, {name: load, source: loadavg}]
"""


@dataclass
class Scene:
    name: str
    # The state that it begins with, as `States` knows it.
    state: str
    command: tuple
    # What is live before, and after it has ended well; None: nothing.
    before: str | None
    after: str | None
    hosts: tuple = ("web1",)
    # What is run afterwards until it has to succeed.
    healing: tuple = ()
    ends: tuple = ("agent", "command")


def scenes(releases):
    """All scenes. Each begins with a ring of three slots that has gone through its first lap, but for the first one."""
    def stage(name):
        return ("stage", releases.path(name), "--name", name, "--slots", "3", "--xattrs")
    three = ("web1", "web2", "web3")
    return [
        Scene("first-stage", "nothing", stage("c"), None, None, healing=(stage("c"), ("flip", "c"))),
        Scene("stage", "lap", stage("c"), "b", "b", healing=(stage("c"), ("flip", "c"))),
        Scene("flip", "staged", ("flip", "c"), "b", "c", healing=(("flip", "c"),)),
        Scene("rollback", "lap", ("rollback", "--to", "a"), "b", "a", healing=(("flip", "a"),)),
        Scene("verify", "staged", ("verify",), "b", "b", healing=(("verify",), ("flip", "c"))),
        Scene("status", "staged", ("status",), "b", "b", healing=(("status",), ("flip", "c"))),
        Scene("install", "staged", ("install",), "b", "b", healing=(("install",), ("flip", "c")), ends=("command",)),
        Scene("push", "lap", ("push", releases.path("c"), "--name", "c", "--slots", "3", "--xattrs"), "b", "c", three,
              healing=(stage("c"), ("flip", "c", "--force"))),
    ]


class TortureSite(Site):
    """Commands that can be run under another program, with agents that are started by a wrapper."""

    def __init__(self, program, agent_program, folder, releases, hosts):
        super().__init__(program, os.path.join(folder, "hosts"), releases, hosts)
        self.work, self.agent_program = folder, agent_program
        self.flag = os.path.join(folder, "flag")
        self.log = os.path.join(folder, "log")
        self.temporary = os.path.join(folder, "tmp")
        os.makedirs(self.temporary, exist_ok=True)
        self.environment["TMPDIR"] = self.temporary
        self.agent = self.wrapper(agent_program)

    def way(self, command):
        if command != "install":
            return super().way(command)
        # A host's shell is one here.
        shell = os.path.join(self.work, "rsh")
        with open(shell, "w") as file:
            file.write('#!/bin/sh\nshift\nexec sh -c "$*"\n')
        os.chmod(shell, stat.S_IRWXU)
        return ["--rsh", shell, "--prefix", self.installed, "--agent", self.agent_program]

    @property
    def installed(self):
        return os.path.join(self.folder, "web1", "bin")

    def wrapper(self, program):
        """An agent that is started by what the flag file says, once, on the first host."""
        path = os.path.join(self.work, "agent")
        with open(path, "w") as file:
            file.write(
                "#!/bin/sh\n"
                f'case "$*" in */web1*) if mv "{self.flag}" "{self.flag}.$$" 2>/dev/null; then\n'
                f'    how=$(cat "{self.flag}.$$"); rm "{self.flag}.$$"\n'
                f'    exec $how "{program}" "$@"\n'
                "fi ;; esac\n"
                f'exec "{program}" "$@"\n')
        os.chmod(path, stat.S_IRWXU)
        return path

    def tmp(self, host):
        return os.path.join(self.root(host), ".slotsync", "tmp")


@dataclass
class States:
    """Rings as they are before scenes, made once and copied back."""

    site: TortureSite
    folder: str
    made: set = field(default_factory=set)

    def make(self):
        site = self.site
        stage = ["--slots", "3", "--xattrs"]
        for host in site.hosts:
            os.makedirs(site.root(host))
        self.keep("nothing")
        # The slot that c goes into holds an old release, and something that somebody put there.
        for name in ("old", "a", "b"):
            self.do(site.stage, name, *stage)
            self.do(site.flip, name)
        for host in site.hosts:
            foreign = os.path.join(site.root(host), "slots", "1", "left")
            os.makedirs(foreign)
            with open(os.path.join(foreign, "behind"), "w") as file:
                file.write("x")
        self.keep("lap")
        self.do(site.stage, "c", *stage)
        self.keep("staged")

    @staticmethod
    def do(step, *arguments):
        code, _, errors = step(*arguments)
        if code != 0:
            raise RuntimeError(f"{step.__name__} {arguments} ended with {code}: {errors}")

    def keep(self, name):
        subprocess.run(["cp", "-a", self.site.folder, os.path.join(self.folder, name)], check=True)

    def restore(self, name):
        shutil.rmtree(self.site.folder)
        subprocess.run(["cp", "-a", os.path.join(self.folder, name), self.site.folder], check=True)


def releases_in(folder):
    """Releases with what takes other calls: a file at a shared path, attributes, kinds that change, a tree of empty folders."""
    releases = Releases(folder, ["old", "a", "b", "c"], files=40)
    for number, name in enumerate(("old", "a", "b", "c")):
        path = releases.path(name)
        with open(os.path.join(path, ".env"), "w") as file:
            file.write("KEY=1")
        os.setxattr(os.path.join(path, "version"), "user.origin", name.encode())
        os.chmod(os.path.join(path, "version"), 0o600 + number)
        os.makedirs(os.path.join(path, "empty", name))
        changing = os.path.join(path, "changing")
        if number % 2:
            os.makedirs(changing)
        else:
            os.symlink("version", changing)
        releases.note(name)
    with open(releases.configuration, "w") as file:
        file.write("timeout: 20\n" + SHARED + HOOKS + CANARY)
    return releases
