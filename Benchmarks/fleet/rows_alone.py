"""Rows of SlotSync alone: how fast its programs start, and how much memory they take at most."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import releases
from bench import Bench
from contenders import SlotSync
from daily import DailyFleet, need
from replay import record, replayed
from report import Row, at_most

STARTS = 50
MADE_UP_FILE = 6500
"""What a made-up file takes on a tmpfs, about, with its part of the folder."""


def start(bench: Bench) -> Iterator[Row]:
    """From posix_spawn to the end of a program that only tells its version."""
    for key, what, program, budget in (
        ("start-agent", "start of the agent", bench.agent, 3), ("start-command", "start of the command", bench.command, 15),
    ):
        yield at_most(key, what, budget, "ms", [_start(program) * 1000 for _ in range(STARTS)])


def _start(program: Path) -> float:
    silence = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    started = time.perf_counter()
    pid = os.posix_spawn(program, [str(program), "--version"], {}, file_actions=silence)
    os.waitpid(pid, 0)
    return time.perf_counter() - started


def agent_memory(bench: Bench) -> Iterator[Row]:
    """The largest of a cold stage and a changed release."""
    for count, budget in ((10_000, 16), (100_000, 40)):
        with bench.workspace("agent-memory", need(count * MADE_UP_FILE, 1, 2)) as folder:
            live = releases.made_up(folder / "live", count)
            new = releases.copy(live, folder / "new")
            releases.change(new, 20)
            slotsync = SlotSync(bench.command, bench.agent, folder, ["h001"], 2)
            cold = slotsync.stage(live, watch_memory=True)
            slotsync.flip()
            peaks = [max(cold.run.children_peak, slotsync.stage(new, watch_memory=True).run.children_peak)]
            yield at_most(
                f"agent-memory-{count}", f"agent's peak memory, {count:,} files", budget, "MB",
                [peak / 1e6 for peak in peaks])


def controller_memory(bench: Bench) -> Iterator[Row]:
    """300 hosts get 100,000 files each, from nothing: every content is needed by every host.

    So many files have no room on this machine 300 times. One host is real; what its agent said is recorded, and the
    other hosts say the same at the same points of the session: to the controller they are hosts like any other.
    """
    count, files = len(bench.hosts(300)), 100_000
    with bench.workspace("controller-memory", files * MADE_UP_FILE * 3) as folder:
        release = releases.made_up(folder / "release", files)
        agent = record(bench.agent, folder / "recording")
        SlotSync(bench.command, agent, folder / "real", ["h001"], 2).stage(release)
        fleet = SlotSync(bench.command, replayed(folder / "recording"), folder / "fleet", bench.hosts(300), 2)
        peak = fleet.stage(release, watch_memory=True).run.peak
        yield at_most(
            "controller-memory", f"controller's peak memory, {count} hosts, 100,000 files, cold", 150, "MB", [peak / 1e6])
