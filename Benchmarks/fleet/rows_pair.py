"""Rows of the public pair, web-a and web-b: one host, a cold copy, and fleets."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from statistics import median

import releases
from bench import Bench, Contender
from contenders import Push, Rsync, SlotSync
from daily import DailyFleet
from report import Row, faster, share

THROUGH_A_SHELL = "#!/bin/sh\nshift\nexec sh -c \"$*\"\n"
"""A remote shell to this machine, for what tells local paths from sessions: rsync sends whole files between the former,
SlotSync does not deflate."""


def seconds(pushes: Sequence[Push]) -> list[float]:
    return [push.seconds for push in pushes]


def one_host(bench: Bench) -> Iterator[Row]:
    with bench.workspace("one-host", DailyFleet.need(bench, 1, 5)) as folder:
        fleet = DailyFleet(bench, folder, ["h001"], slots=5)
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
    with bench.workspace("bytes", DailyFleet.need(bench, 1, 5)) as folder:
        shell = folder / "shell"
        shell.write_text(THROUGH_A_SHELL)
        shell.chmod(0o755)
        fleet = DailyFleet(bench, folder, ["h001"], slots=5, shell=str(shell))
        ours, theirs = bench.alternate(fleet.stage(), fleet.copy(["-az"]))
        yield share(
            "bytes", "bytes of one session, both directions, against `rsync -az`", 0.75,
            [push.bytes / 1e6 for push in ours], [push.bytes / 1e6 for push in theirs])
        yield faster(
            "one-session", "the time of that session, deflated, through a remote shell", None,
            seconds(ours), seconds(theirs))


def cold(bench: Bench) -> Iterator[Row]:
    """The first copy that a host ever gets, by a controller that has cached nothing."""
    with bench.workspace("cold", releases.size_in_memory(bench.new) * 3) as folder:
        new = releases.copy(bench.new, folder / "new")

        def emptied() -> None:
            for name in ("slotsync", "rsync", "cache"):
                shutil.rmtree(folder / name, ignore_errors=True)

        def stage() -> Push:
            return SlotSync(bench.command, bench.agent, folder, ["h001"], 5).stage(new)

        ours, theirs = bench.alternate(
            Contender(emptied, stage), Contender(emptied, lambda: Rsync(folder, ["h001"]).push(new, ["-a"])))
        yield faster(
            "cold", "cold copy to one empty host, nothing cached, against `rsync -a`", 1.5,
            seconds(ours), seconds(theirs))


def fleet_of_32(bench: Bench) -> Iterator[Row]:
    yield from _fleet(bench, 32, (), "the whole pair")


def fleet_of_64(bench: Bench) -> Iterator[Row]:
    yield from _fleet(bench, 64, ("django", "wagtail"), "django and wagtail")


def _fleet(bench: Bench, count: int, packages: tuple[str, ...], what: str) -> Iterator[Row]:
    hosts = bench.hosts(count)
    with bench.workspace(f"fleet-{count}", DailyFleet.need(bench, len(hosts), 2, packages)) as folder:
        fleet = DailyFleet(bench, folder, hosts, slots=2, packages=packages)
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
