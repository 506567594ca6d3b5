#!/usr/bin/python3
"""Power cuts: SlotSync works on a disk that logs every write and flush; disks made of what was flushed at a moment and
any part of what was not are mounted, and looked at. `make power-cuts` runs this, as root.

A control, SlotSync with agents whose syncs do nothing, has to be caught on each file system.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

import courses
import cuts
import option_courses
import push_courses
from courses import Course
from disk import Disk, mount, unmount
from ring_site import Broken, Releases, Site

SIZES = {"ext4": 96 << 20, "xfs": 320 << 20, "btrfs": 160 << 20}
NO_SYNC = "fsync,fdatasync,syncfs:retval=0"
# A canary and two controls are the least.
ONE, THREE = ("h",), ("h1", "h2", "h3")
# A hook works in the slot that is live.
FAILING_HOOK = 'hooks: {after_flip: "test ! -e bad"}\n'
# By name: what is driven with the numbers of calls to kill at, on which hosts, and what is configured beside the rest.
DRIVES = {
    "releases": (lambda course, _: courses.first_releases(course), ONE),
    "told-again": (courses.told_again, ONE),
    "pushes": (push_courses.pushes, THREE),
    "taken-back": (push_courses.taken_back, THREE, FAILING_HOOK),
    "at-once": (push_courses.everybody_at_once, THREE),
    "options": (option_courses.signed_and_kept, ONE, option_courses.CONFIGURATION),
}


def check(site, promise):
    """Looks at a disk after a power cut, first as a web server would, then as the next operator.

    Raises Broken.
    """
    for host in site.hosts:
        found = site.live(host)
        if promise.told and promise.told[host] != found:
            raise Broken(f"{found} is live on {host}, and {promise.told[host]} was told")
        if found not in promise.live:
            raise Broken(f"{found} is live on {host}, and {' or '.join(map(str, promise.live))} was told")
        if found and not os.path.exists(os.path.join(site.root(host), "current/uploads/seed")):
            raise Broken(f"what was seeded is gone on {host}")
        check_kept(site, host, promise)
    if None not in promise.live:
        check_answers(site)
    if promise.ready:
        code, _, errors = site.flip(promise.ready)
        if code != 0 or any(site.live(host) != promise.ready for host in site.hosts):
            raise Broken(f"{promise.ready} was told to be ready, and cannot be flipped to: {errors}")
    for host in site.hosts:
        os.makedirs(site.root(host), exist_ok=True)
    for what, run in (("stage", site.stage), ("flip", site.flip)):
        code, _, errors = run("d")
        if code != 0:
            raise Broken(f"the next {what} fails: {errors}")
    for host in site.hosts:
        if site.live(host) != "d":
            raise Broken(f"the next flip does not bring its release on {host}")
        left = os.listdir(os.path.join(site.root(host), ".slotsync", "tmp"))
        if left:
            raise Broken(f"the next commands leave {left} in .slotsync/tmp of {host}")
        check_kept(site, host, promise)


def check_kept(site, host, promise):
    """What others have put into slots stays there."""
    for path in promise.kept:
        try:
            with open(os.path.join(site.root(host), path)) as file:
                content = file.read()
        except FileNotFoundError:
            content = None
        if content != path.rpartition("foreign-")[2]:
            raise Broken(f"{path} of others is {content!r} on {host}")


def check_answers(site):
    """What the first commands say of a disk is so, and each slot that holds a release holds the whole of it."""
    told = site.told()
    for host in site.hosts:
        if told.get(host) != site.live(host):
            raise Broken(f"a status says {told.get(host)} of {host}, and {site.live(host)} is live")
    code, _, errors = site.run("verify")
    if code != 0:
        raise Broken(f"verify finds: {errors}")


def promise_at(course, cut):
    """What holds at a cut: what was told there last, or else what may be while a command runs."""
    holding = [promise for promise in course.promises if promise.begin <= cut.position <= promise.end]
    told = [promise for promise in holding if promise.begin == promise.end]
    return (told or holding)[-1]


def replay(disk, course, site, count, seed, seconds, stop_at_first=False):
    """Cuts the power so many times, and returns how often that was and how often a promise was broken.

    Parameter seconds: then it ends, and says how many cuts are left out.
    """
    end = time.monotonic() + seconds
    folder = os.path.join(disk.folder, "after")
    os.makedirs(folder, exist_ok=True)
    told = sorted({promise.end for promise in course.promises})
    places = cuts.places(disk.log, course.promises[0].begin, course.promises[-1].end)
    others = sorted(set(places) - set(told))
    broken = done = 0
    for cut, trial in cuts.disks(disk, cuts.draw(told, others, count, seed)):
        done += 1
        promise = promise_at(course, cut)
        mount(disk.kind, trial, folder)
        try:
            check(Site(site.program, folder, site.releases, site.hosts), promise)
        except (Broken, subprocess.TimeoutExpired) as error:
            broken += 1
            print(f"BROKEN {promise.what}: {error}; {cut}", flush=True)
        finally:
            unmount(folder)
        if broken and stop_at_first:
            break
        if time.monotonic() > end:
            print(f"{count - done} cuts are left out after {seconds} s: the last ones of the course", flush=True)
            break
    return done, broken


def run(arguments, kind, name, drive, hosts, configuration="", without_sync=False):
    """Records a course on a file system and replays it.

    Parameter configuration: what its commands have in theirs; where that asks for digests, the releases are signed.
    """
    with tempfile.TemporaryDirectory(prefix="power-cuts-", dir=arguments.memory) as folder:
        names = ["a", "b", "c", "d", *(f"r{number}" for number in range(1, arguments.kills + 1))]
        if name == "taken-back":
            names += [f"bad{number}" for number in range(1, arguments.kills + 1)]
        signed = "digest" in configuration
        releases = Releases(
            os.path.join(folder, "releases"), names, configuration=configuration, attributes=signed)
        if signed:
            releases.sign(arguments.command)
        learn_names(arguments.command, os.path.join(folder, "scratch"), releases)
        with Disk(os.path.join(folder, "disk"), kind, SIZES[kind]) as disk:
            site = Site(arguments.command, disk.mount, releases, hosts)
            for host in hosts:
                os.mkdir(site.root(host))
            subprocess.run(["sync", "-f", disk.mount], check=True)
            course = Course(disk, site, folder, always=NO_SYNC if without_sync else None)
            drive(course)
            site.agent = None
        # The disk is unmounted by now: btrfs takes two disks with one number for the same.
        done, broken = replay(
            disk, course, site, arguments.cuts, arguments.seed, arguments.seconds, stop_at_first=without_sync)
        print(f"{kind}, {name}: {done} power cuts, {broken} promises broken", flush=True)
        return done, broken


def learn_names(program, folder, releases):
    """Stages all releases somewhere else: a push prints no ID, by which a status could be understood."""
    site = Site(program, folder, releases, ("h",))
    os.makedirs(site.root("h"))
    for name in releases.known:
        code, _, errors = site.stage(name)
        if code != 0:
            raise RuntimeError(f"{name} cannot be staged: {errors}")
    shutil.rmtree(folder)


def keep_mounts_private():
    """Goes on in a mount namespace of its own: one that somebody else makes meanwhile would keep our disks busy."""
    if os.environ.get("POWER_CUTS_PRIVATE") != "yes":
        os.environ["POWER_CUTS_PRIVATE"] = "yes"
        unshare = ["unshare", "--mount", "--propagation", "private"]
        os.execvp(unshare[0], [*unshare, sys.executable, os.path.dirname(os.path.abspath(__file__)), *sys.argv[1:]])


def main():
    parser = argparse.ArgumentParser(prog="power-cuts", description=__doc__)
    parser.add_argument("--command", required=True, help="the built slotsync")
    parser.add_argument("--memory", default="/dev/shm", help="where the disks are kept")
    parser.add_argument("--cuts", type=int, default=200, help="how many for each course and file system")
    parser.add_argument("--kills", type=int, default=16, help="agents are killed at so many of their calls")
    parser.add_argument("--file-systems", default="ext4 xfs btrfs")
    parser.add_argument("--courses", default=" ".join([*DRIVES, "control"]))
    parser.add_argument("--seconds", type=float, default=1800, help="how long the cuts of one course may take")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for program in ("strace", "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs"):
        if not shutil.which(program):
            sys.exit(f"power-cuts: {program} is missing: scripts/dependencies power-cuts installs it")
    keep_mounts_private()
    numbers = range(1, arguments.kills + 1)
    wanted = arguments.courses.split()
    if unknown := set(wanted) - set(DRIVES) - {"control"}:
        parser.error(f"no course is called {unknown.pop()}: there are {', '.join(DRIVES)} and control")
    all_done = all_broken = 0
    for kind in arguments.file_systems.split():
        for name in wanted:
            if name == "control":
                _, caught = run(
                    arguments, kind, "control without syncs", courses.first_releases, ONE, without_sync=True)
                if not caught:
                    sys.exit(f"power-cuts: on {kind} an agent that syncs nothing was not caught, so the rest says nothing")
                continue
            drive, *rest = DRIVES[name]
            done, broken = run(arguments, kind, name, lambda course: drive(course, numbers), *rest)
            all_done, all_broken = all_done + done, all_broken + broken
    print(f"{all_done} power cuts, {all_broken} promises broken")
    sys.exit(1 if all_broken else 0)


if __name__ == "__main__":
    main()
