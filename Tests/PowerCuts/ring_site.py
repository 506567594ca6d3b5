"""Two releases, SlotSync on a mounted disk, and what is found in a ring afterwards."""

import hashlib
import json
import os
import random
import signal
import stat
import subprocess

# A command that takes longer hangs.
LONGEST = 60
# What outlives releases, where a release has it.
SHARED = {"uploads", ".env"}
# A push that is over in seconds; what it measures does not matter here.
CONFIGURATION = """
timeout: 20
shared: [uploads]
canary:
  hosts: 1
  baseline: 800ms
  window: 800ms
  settle: 100ms
  interval: 100ms
  watch: 800ms
  on_inconclusive: continue
  metrics: [{name: fixed, source: command, run: "echo 1"}]
"""


class Site:
    """A folder of a disk with a root for each host, and the releases that go there."""

    def __init__(self, program, folder, releases, hosts, agent=None):
        self.program, self.folder, self.releases, self.hosts = program, folder, releases, hosts
        self.agent = agent
        # What the command is run under, and more variables for it.
        self.prefix, self.environment = (), {}

    def root(self, host):
        return os.path.join(self.folder, host)

    def run(self, *arguments, kill_after=None, longest=LONGEST):
        """Runs a command on all hosts. Returns its exit code, and what it printed and said.

        Parameter kill_after: seconds until it is killed; its agents are not.
        Raises subprocess.TimeoutExpired where it hangs; then it is killed.
        """
        command = [*self.prefix, self.program, *arguments, "--hosts", ",".join(self.hosts)]
        command += ["--config", self.releases.configuration, *self.way(arguments[0])]
        environment = {
            **os.environ, "XDG_CACHE_HOME": os.path.join(self.releases.folder, "cache"), **self.environment}
        ran = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment, start_new_session=True)
        if kill_after is not None:
            try:
                ran.wait(timeout=kill_after)
            except subprocess.TimeoutExpired:
                ran.kill()
        try:
            output, errors = ran.communicate(timeout=longest)
        except subprocess.TimeoutExpired:
            # What it was run under, or had started, would keep the pipes open.
            os.killpg(ran.pid, signal.SIGKILL)
            ran.communicate()
            raise
        return ran.returncode, output, errors

    def way(self, command):
        """The options that lead a command to the hosts."""
        agent = ["--remote-command", self.agent] if self.agent else []
        return ["--transport", "local", "--root", os.path.join(self.folder, "{host}"), *agent]

    def stage(self, release, *options):
        named = [self.releases.path(release), "--name", release, *self.releases.signed(release)]
        code, output, errors = self.run("stage", *named, *options)
        if code == 0:
            self.releases.names[output.strip()] = release
        return code, output, errors

    def push(self, release, *options, **more):
        """Parameter more: as for `run`."""
        named = [self.releases.path(release), "--name", release, *self.releases.signed(release)]
        # Agents outlive a command that was killed by a moment.
        return self.run("push", *named, "--wait", "30s", *options, **more)

    def flip(self, *arguments):
        return self.run("flip", *arguments)

    def told(self):
        """What `slotsync status` says is live on each host, by name."""
        code, output, errors = self.run("status", "--json")
        if code != 0:
            raise Broken(f"status fails: {errors}")
        events = [json.loads(line) for line in output.splitlines()]
        return {event["host"]: self.releases.names.get(event["live"]) for event in events if event["event"] == "host"}

    def live(self, host):
        """The name of the release that a host's web server serves; None: there is no `current`.

        Raises Broken for one that is no whole release.
        """
        current = os.path.join(self.root(host), "current")
        if not os.path.lexists(current):
            return None
        tree = fingerprint(current + "/")
        for name, known in self.releases.known.items():
            if tree == known:
                return name
        target = os.readlink(current)
        raise Broken(f"`current` of {host} leads to {target!r}, which is no whole release: {self.releases.nearest(tree)}")


class Broken(Exception):
    """A promise that was not kept."""


class Releases:
    """Releases of some hundred files by a seed: they share most files, differ in some, and in kind at some paths."""

    def __init__(self, folder, names, files=120, configuration="", attributes=False):
        """Parameters: what stands in the configuration beside the rest; whether files have extended attributes."""
        self.folder, self.known = folder, {}
        # The public key's file, where releases are signed.
        self.key = None
        # Names by release ID, as far as they were staged.
        self.names = {}
        self.configuration = os.path.join(folder, "slotsync.yml")
        os.makedirs(folder)
        with open(self.configuration, "w") as file:
            file.write(CONFIGURATION + configuration)
        generator = random.Random(4)
        content = {f"lib/m{n % 9}/f{n}.php": generator.randbytes(generator.choice((0, 40, 900, 9000))) for n in range(files)}
        for number, name in enumerate(names):
            for path in generator.sample(sorted(content), files // 5):
                content[path] = generator.randbytes(generator.choice((0, 40, 900, 9000, 70000)))
            content[f"only-in-{name}"] = name.encode()
            content["version"] = name.encode()
            # What a hook may look for.
            content["bad"] = name.encode()
            self.write(name, {path: data for path, data in content.items() if not (
                path.startswith("only-in-") and path != f"only-in-{name}") and (path != "bad" or name.startswith("bad"))})
            os.symlink(f"f{number}", os.path.join(self.path(name), "lib", "link"))
            os.makedirs(os.path.join(self.path(name), "uploads"))
            with open(os.path.join(self.path(name), "uploads", "seed"), "w") as file:
                file.write("seed")
            if attributes:
                for path in sorted(content)[number % 3 :: 3]:
                    whole = os.path.join(self.path(name), path)
                    if os.path.exists(whole):
                        os.setxattr(whole, "user.of", f"{name} or before".encode())
            self.note(name)

    def sign(self, program):
        """Signs all releases with a key that is made here; from now on they are staged with their signatures."""
        key = os.path.join(self.folder, "key")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        for name in self.known:
            subprocess.run(
                [program, "sign", self.path(name), "--name", name, "--key", key, "--output", f"{self.path(name)}.sig",
                 "--config", self.configuration], check=True, capture_output=True)
        self.key = f"{key}.pub"

    def signed(self, name):
        """The options that go with a release."""
        return ["--signature", f"{self.path(name)}.sig", "--verify-key", self.key] if self.key else []

    def path(self, name):
        return os.path.join(self.folder, name)

    def note(self, name):
        """Notes what a release is on a host: links lead from shared paths to what was seeded."""
        tree = {path: what for path, what in fingerprint(self.path(name)).items() if not path.startswith("uploads/")}
        for path in SHARED.intersection(tree):
            tree[path] = (stat.S_IFLNK | 0o777, f"../../shared/{path}")
        self.known[name] = tree

    def write(self, name, content):
        for path, data in content.items():
            whole = os.path.join(self.path(name), path)
            os.makedirs(os.path.dirname(whole), exist_ok=True)
            with open(whole, "wb") as file:
                file.write(data)

    def nearest(self, tree):
        """How a tree differs from the release that it is most like."""
        name = min(self.known, key=lambda name: len(set(self.known[name].items()) ^ set(tree.items())))
        known = self.known[name]
        paths = sorted(path for path in known.keys() | tree.keys() if known.get(path) != tree.get(path))
        return f"{len(paths)} paths are not as in {name}, {paths[:3]} among them"


def attributes_of(path):
    """The attributes of users: (name, value) each."""
    names = sorted(name for name in os.listxattr(path) if name.startswith("user."))
    return [(name, os.getxattr(path, name)) for name in names]


def fingerprint(folder):
    """Kind, mode, content and attributes of each path below a folder, but for what others have put there."""
    found = {}
    for parent, folders, files in os.walk(folder):
        for name in folders + files:
            if name.startswith("foreign-"):
                continue
            path = os.path.join(parent, name)
            status = os.lstat(path)
            if os.path.islink(path):
                what = os.readlink(path)
            elif os.path.isdir(path):
                what = "folder"
            else:
                with open(path, "rb") as file:
                    what = hashlib.sha256(file.read()).hexdigest()
                what = (what, *attributes_of(path))
            found[os.path.relpath(path, folder)] = (status.st_mode, what)
    return found
