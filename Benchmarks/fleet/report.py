"""Rows with budgets, and what is made of them: a table for people and JSON for programs."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from programs import run


@dataclass(frozen=True)
class Point:
    """One place on the curve: seconds of a push to so many hosts, and the sending machine's CPU seconds."""

    hosts: int
    slotsync: float
    rsync: float
    slotsync_cpu: float
    rsync_cpu: float

    def __str__(self) -> str:
        return f"{self.hosts} hosts: SlotSync {number(self.slotsync)} s, rsync {number(self.rsync)} s"


@dataclass(frozen=True)
class Row:
    """One thing that was measured, and what was promised of it."""

    key: str
    what: str
    unit: str
    measured: float
    budget: float | None = None
    at_least: bool = False
    """Whether the budget is a lower bound; otherwise it is an upper one."""
    slotsync: tuple[float, ...] = ()
    """Every round, in `runs_unit`."""
    rsync: tuple[float, ...] = ()
    runs_unit: str = "s"
    other: str = "rsync"
    """What `rsync` has the rounds of, where that is another run of SlotSync."""

    def __str__(self) -> str:
        return f"{self.what}: {number(self.measured)} {self.unit}"

    @property
    def is_met(self) -> bool | None:
        if self.budget is None:
            return None
        return self.measured >= self.budget if self.at_least else self.measured <= self.budget


def faster(key: str, what: str, budget: float | None, ours: Sequence[float], theirs: Sequence[float]) -> Row:
    """How many times less SlotSync takes than rsync."""
    return Row(key, what, "× faster", median(theirs) / median(ours), budget, True, tuple(ours), tuple(theirs))


def compared(
    key: str, what: str, budget: float | None, ours: Sequence[float], theirs: Sequence[float], runs_unit: str,
    other: str = "rsync",
) -> Row:
    """What SlotSync takes, as a multiple of what `other` takes."""
    ratio = median(ours) / median(theirs)
    return Row(key, what, "×", ratio, budget, False, tuple(ours), tuple(theirs), runs_unit, other)


def at_most(key: str, what: str, budget: float | None, unit: str, runs: Sequence[float]) -> Row:
    """A quantity of SlotSync alone: the median of its rounds."""
    return Row(key, what, unit, median(runs), budget, False, tuple(runs), (), unit)


def number(value: float) -> str:
    """Three digits that mean something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(rows: Sequence[Row]) -> str:
    """A Markdown table of all rows."""
    lines = ["| what | budget | measured | SlotSync | rsync | |", "| --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        budget = "" if row.budget is None else f"{'≥' if row.at_least else '≤'} {row.budget:g} {row.unit}"
        medians = [f"{number(median(runs))} {row.runs_unit}" if runs else "" for runs in (row.slotsync, row.rsync)]
        if row.other != "rsync":
            medians[1] += f" ({row.other})"
        met = {True: "met", False: "**missed**", None: ""}[row.is_met]
        cells = [row.what, budget, f"{number(row.measured)} {row.unit}", *medians, met]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def as_json(row: Row) -> dict[str, Any]:
    def runs(values: tuple[float, ...]) -> dict[str, Any] | None:
        if not values:
            return None
        rounded = [round(value, 6) for value in values]
        return {"median": round(median(values), 6), "runs": rounded, "unit": row.runs_unit}

    budget = None if row.budget is None else {"at_least" if row.at_least else "at_most": row.budget}
    return {
        "row": row.key, "what": row.what, "unit": row.unit, "measured": round(row.measured, 6), "budget": budget,
        "met": row.is_met, "slotsync": runs(row.slotsync), row.other: runs(row.rsync)}


def from_json(value: dict[str, Any]) -> Row:
    budget = value["budget"] or {}
    other = list(value)[-1]
    ours, theirs = (value[name] or {"runs": [], "unit": value["unit"]} for name in ("slotsync", other))
    return Row(
        value["row"], value["what"], value["unit"], value["measured"], next(iter(budget.values()), None),
        "at_least" in budget, tuple(ours["runs"]), tuple(theirs["runs"]), ours["unit"], other)


def circumstances(command: Path, rounds: int) -> dict[str, Any]:
    """The machine and the programs that the figures are of."""
    processor = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "machine": {
            "processor": processor.group(1) if processor else platform.machine(), "cores": os.cpu_count(),
            "memory_gb": round(memory / 1e9, 1), "kernel": platform.release()},
        "programs": {
            "slotsync": run([command, "--version"]).output.split()[1],
            "rsync": run(["rsync", "--version"]).output.split()[2]},
        "rounds": rounds,
    }
