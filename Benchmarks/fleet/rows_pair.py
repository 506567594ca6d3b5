"""Rows of the public pair, web-a and web-b: one host, a cold copy, and fleets."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import releases
from bench import Bench, Contender
from contenders import Push, Rsync, SlotSync, seconds
from daily import DailyFleet, need
from report import Row, compared, faster

def one_host(bench: Bench) -> Iterator[Row]:
    with bench.workspace("one-host", need(bench.pair_size(), 1, 5)) as folder:
        fleet = DailyFleet(bench, folder, ["h001"], *bench.pair(folder), slots=5)
        ours, theirs = bench.alternate(fleet.stage(), fleet.copy(["-az"]))
        yield faster(
            "one-host", "one host with five slots, changed release, against `rsync -az`", 3,
            seconds(ours), seconds(theirs))
        ours, theirs = bench.alternate(*fleet.again(fresh_times=False))
        yield faster("one-host-again", "the same, nothing changed since", 5, seconds(ours), seconds(theirs))
        ours, theirs = bench.alternate(*fleet.again(fresh_times=True))
        yield faster(
            "one-host-checkout", "the same content from a fresh checkout", None, seconds(ours), seconds(theirs))


def transferred(bench: Bench) -> Iterator[Row]:
    with bench.workspace("bytes", need(bench.pair_size(), 1, 5)) as folder:
        fleet = DailyFleet(bench, folder, ["h001"], *bench.pair(folder), slots=5, shell=_shell_to_here(folder))
        ours, theirs = bench.alternate(fleet.stage(), fleet.copy(["-az"]))
        yield compared(
            "bytes", "bytes of one session, both directions, against `rsync -az`", 0.75,
            _megabytes(ours), _megabytes(theirs), "MB")
        yield faster(
            "bytes-time", "the time of that session, deflated, through a remote shell", None,
            seconds(ours), seconds(theirs))


def renamed_bundles(bench: Bench) -> Iterator[Row]:
    with bench.workspace("bundles", 1 << 30) as folder:
        live, new = (releases.bundles(bench.releases / "web-a", folder / f"build-{build}", build) for build in (1, 2))
        fleet = DailyFleet(bench, folder, ["h001"], live, new, slots=5, shell=_shell_to_here(folder))
        ours, theirs = bench.alternate(fleet.stage(), fleet.copy(["-az"]))
        yield compared(
            "bundles", "bytes where bundles are renamed at every build, against `rsync -az`", 0.4,
            _megabytes(ours), _megabytes(theirs), "MB")


def cold(bench: Bench) -> Iterator[Row]:
    """The first copy that a host ever gets, by a controller that has cached nothing."""
    with bench.workspace("cold", bench.pair_size() * 4) as folder:
        _, new = bench.pair(folder)
        ours, theirs = _first_copies(bench, folder, new, ["-a"])
        yield faster("cold", "cold copy to one empty host, nothing cached, against `rsync -a`", 1.5, ours, theirs)


def images(bench: Bench) -> Iterator[Row]:
    """A first release of what is compressed already."""
    size = (400 << 20) // (8 if bench.quick else 1)
    with bench.workspace("images", size * 4) as folder:
        release = releases.images(folder / "release", size)
        yield from _first_copy(bench, folder, release, "images", f"{size >> 20} MB of images to one empty host")


def image(bench: Bench) -> Iterator[Row]:
    """One long file of the same kind: first, and with a few places overwritten."""
    size = (1 << 30) // (8 if bench.quick else 1)
    with bench.workspace("image", size * 8) as folder:
        file = releases.big_file(folder / "release", size)
        yield from _first_copy(
            bench, folder, file.parent, "image", f"one such file of {size >> 20} MB to one empty host")
        new = releases.copy(file.parent, folder / "new")
        releases.overwrite(new / file.name, 300, 2000)
        fleet = DailyFleet(bench, folder, ["h001"], file.parent, new, slots=2, shell=_shell_to_here(folder))
        ours, theirs = bench.alternate(fleet.stage(), fleet.copy(["-az"]))
        yield compared(
            "image-changed", "the same with 300 places of 2 kB overwritten, against `rsync -az`", 0.7, seconds(ours),
            seconds(theirs), "s")


def _first_copy(bench: Bench, folder: Path, release: Path, key: str, what: str) -> Iterator[Row]:
    ours, theirs = _first_copies(bench, folder, release, ["-az"], _shell_to_here(folder))
    yield compared(key, f"{what}, against `rsync -az`", 0.8, ours, theirs, "s")


def _first_copies(
    bench: Bench, folder: Path, release: Path, options: list[str], shell: str | None = None
) -> list[tuple[float, ...]]:
    """The seconds that both take to bring a release to one empty host, with nothing cached; nothing of it is left."""

    def emptied() -> None:
        for name in ("slotsync", "rsync", "cache"):
            shutil.rmtree(folder / name, ignore_errors=True)

    def stage() -> Push:
        return SlotSync(bench.command, bench.agent, folder, ["h001"], 5, shell).stage(release)

    def copy() -> Push:
        return Rsync(folder, ["h001"], shell).push(release, options)

    results = bench.alternate(Contender(emptied, stage), Contender(emptied, copy))
    emptied()
    return [seconds(pushes) for pushes in results]


def fleet_of_32(bench: Bench) -> Iterator[Row]:
    yield from _fleet(bench, 32, (), "the whole pair")


def fleet_of_64(bench: Bench) -> Iterator[Row]:
    yield from _fleet(bench, 64, ("django", "wagtail"), "django and wagtail")


def _fleet(bench: Bench, count: int, packages: tuple[str, ...], what: str) -> Iterator[Row]:
    hosts = bench.hosts(count)
    with bench.workspace(f"fleet-{count}", need(bench.pair_size(packages), len(hosts), 2)) as folder:
        fleet = DailyFleet(bench, folder, hosts, *bench.pair(folder, packages), slots=2)
        ours, theirs = bench.alternate(fleet.stage(), fleet.copy())
        yield faster(
            f"fleet-{count}", f"{len(hosts)} local hosts, {what}, against eight `rsync -az --delete` at once", 8,
            seconds(ours), seconds(theirs))
        ours_again, theirs_again = bench.alternate(*fleet.again(fresh_times=False))
        yield faster(
            f"fleet-{count}-again", "the same, nothing changed since", 5, seconds(ours_again), seconds(theirs_again))
        ours_again, theirs_again = bench.alternate(*fleet.again(fresh_times=True))
        yield faster(
            f"fleet-{count}-checkout", "the same content from a fresh checkout", None,
            seconds(ours_again), seconds(theirs_again))
        [alone] = bench.alternate(fleet.stage(hosts[:1]))
        yield _controller_cpu(f"fleet-{count}-cpu", len(hosts), ours, alone, theirs)


def _shell_to_here(folder: Path) -> str:
    """A remote shell to this machine: with local paths rsync would send whole files, and SlotSync would not deflate."""
    shell = folder / "shell"
    shell.write_text('#!/bin/sh\nshift\nexec sh -c "$*"\n')
    shell.chmod(0o755)
    return str(shell)


def _megabytes(pushes: list[Push]) -> list[float]:
    return [push.bytes / 1e6 for push in pushes]


def _controller_cpu(key: str, hosts: int, ours: list[Push], alone: list[Push], theirs: list[Push]) -> Row:
    """What each host beyond the first adds to the CPU of the controller's own process, and one of rsync's senders."""
    first = median(push.run.own_cpu for push in alone)
    further = [max(0.0, push.run.own_cpu - first) / (hosts - 1) * 1000 for push in ours]
    senders = [push.run.own_cpu / hosts * 1000 for push in theirs]
    # A clock tick over all hosts is the finest that can be told.
    finest = 10 / (hosts - 1)
    return Row(
        key, "CPU of the controller alone for each further host, against rsync's sender", "× less",
        median(senders) / max(median(further), finest), 50, True, tuple(further), tuple(senders), "ms")
