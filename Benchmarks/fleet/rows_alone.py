"""Rows of SlotSync alone: how fast its programs start, and how much memory they take at most."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import releases
from bench import Bench
from contenders import SlotSync
from programs import run
from replay import record, replayed
from report import Row, at_most

STARTS = 20
MADE_UP_FILE = 6500
"""What a made-up file takes on a tmpfs, about, with its part of the folder."""


def start(bench: Bench) -> Iterator[Row]:
    """From posix_spawn to the end of a program that only tells its version."""
    for name, program, budget in (("agent", bench.agent, 3), ("command", bench.command, 15)):
        times = [_start(program) * 1000 for _ in range(STARTS)]
        yield at_most(f"start-{name}", f"start of the {name}", budget, "ms", times)


def _start(program: Path) -> float:
    silence = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    started = time.perf_counter()
    pid = os.posix_spawn(program, [str(program), "--version"], {}, file_actions=silence)
    os.waitpid(pid, 0)
    return time.perf_counter() - started


def delta(bench: Bench) -> Iterator[Row]:
    """`slotsync delta` on a file of which nothing matches, nor compresses."""
    size = (512 << 20) // (8 if bench.quick else 1)
    with bench.workspace("delta", size * 3) as folder:
        basis = releases.big_file(folder / "basis", size)
        content = releases.big_file(folder / "content", size, seed=2)
        run([bench.command, "signature", basis, "-o", folder / "signature"])
        words = [bench.command, "delta", folder / "signature", content, "-o", "/dev/null"]
        rates = [size / 1e9 / run(words).seconds for _ in range(bench.rounds)]
        what = f"`slotsync delta` on {size >> 20} MB of which nothing matches"
        yield Row("delta", what, "GB/s", median(rates), 0.7, True, tuple(rates), (), "GB/s")


def agent_memory(bench: Bench) -> Iterator[Row]:
    for count, budget in ((10_000, 16), (100_000, 40)):
        with bench.workspace("agent-memory", count * MADE_UP_FILE * 3) as folder:
            release = releases.made_up(folder / "release", count)
            agent, _ = _peaks(bench, folder, release, lambda: releases.change(release, 20))
            yield at_most(f"agent-memory-{count}", f"agent's peak memory, {count:,} files", budget, "MB", [agent])


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
        what = f"controller's peak memory, {count} hosts, 100,000 files, cold"
        yield at_most("controller-memory", what, 150, "MB", [peak / 1e6])


def big_file(bench: Bench) -> Iterator[Row]:
    """One file of 20 GB: its source, two slots, and before the second slot is filled the first stage's spool."""
    size = (20 << 30) // (16 if bench.quick else 1)
    with bench.workspace("big-file", size * 3) as folder:
        file = releases.big_file(folder / "release", size)
        what = f"one file of {size / 2**30:g} GiB"
        yield from _both(bench, folder, file.parent, lambda: releases.edit(file, 20), what)


def many_files(bench: Bench) -> Iterator[Row]:
    count = 500_000 // (16 if bench.quick else 1)
    with bench.workspace("many-files", count * MADE_UP_FILE * 3) as folder:
        release = releases.made_up(folder / "release", count)
        yield from _both(bench, folder, release, lambda: releases.change(release, 20), f"{count:,} files")


def _both(bench: Bench, folder: Path, release: Path, change: Callable[[], None], what: str) -> Iterator[Row]:
    for who, peak in zip(("agent", "controller"), _peaks(bench, folder, release, change)):
        yield at_most(f"{folder.name}-{who}", f"{who}'s peak memory, {what}", None, "MB", [peak])


def _peaks(bench: Bench, folder: Path, release: Path, change: Callable[[], None]) -> tuple[float, float]:
    """The agent's and the controller's peak, in megabytes: of a cold stage, and of one after `change`."""
    # With differences, as over ssh: they take more memory than whole files.
    slotsync = SlotSync(bench.command, bench.agent, folder, ["h001"], 2, stage_options=["--no-whole-file"])
    cold = slotsync.stage(release, watch_memory=True).run
    slotsync.flip()
    change()
    changed = slotsync.stage(release, watch_memory=True).run
    return max(cold.children_peak, changed.children_peak) / 1e6, max(cold.peak, changed.peak) / 1e6
