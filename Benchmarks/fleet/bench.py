"""What every row of the benchmark stands on: the programs, a folder on a tmpfs, and runs of two contenders in turn."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import releases

Result = TypeVar("Result")


class TooLittleRoom(Exception):
    """This machine cannot run the row; the text says what it needs."""


@dataclass(frozen=True)
class Contender(Generic[Result]):
    """One side of a comparison: what is done before every round, and what is measured."""

    prepare: Callable[[], None]
    timed: Callable[[], Result]


@dataclass(frozen=True)
class Bench:
    command: Path
    agent: Path
    releases: Path
    memory: Path
    """The folder for all that is made: on a tmpfs, but where --memory named another."""
    rounds: int
    quick: bool
    """A trial: smaller fleets, whose figures say nothing about the budgets."""

    def pair(self, folder: Path, packages: tuple[str, ...] = ()) -> tuple[Path, Path]:
        """Copies of web-a and web-b, or of the named packages in them, in `folder`: the live and the new release."""
        live = releases.copy(self.releases / "web-a", folder / "live", packages)
        return live, releases.copy(self.releases / "web-b", folder / "new", packages)

    def pair_size(self, packages: tuple[str, ...] = ()) -> int:
        """The memory that one of the pair takes, about."""
        new = self.releases / "web-b"
        return sum(releases.size_in_memory(new / package) for package in packages or [""])

    def hosts(self, count: int) -> list[str]:
        """Names for so many hosts, or for an eighth of them where this is a trial."""
        return [f"h{number:03}" for number in range(1, (max(1, count // 8) if self.quick else count) + 1)]

    @contextmanager
    def workspace(self, name: str, need: int) -> Iterator[Path]:
        """A folder on the tmpfs that is gone afterwards.

        Raises TooLittleRoom where `need` bytes are more than is free; of memory, an eighth is left to the programs.
        """
        free = shutil.disk_usage(self.memory).free
        if _is_tmpfs(self.memory):
            free = min(free, _available_memory()) * 7 // 8
        if need > free:
            raise TooLittleRoom(f"needs {need / 1e9:.1f} GB and some more; {free / 1e9:.1f} GB are free")
        folder = self.memory / name
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder)

    def alternate(self, *contenders: Contender[Result]) -> list[list[Result]]:
        """Each contender's results; they run in turn, so that what else the machine does falls on all alike."""
        results: list[list[Result]] = [[] for _ in contenders]
        for _ in range(self.rounds):
            for contender, runs in zip(contenders, results):
                contender.prepare()
                runs.append(contender.timed())
        return results

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


def _is_tmpfs(folder: Path) -> bool:
    mounts = [line.split()[1:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    holding = [mount for mount in mounts if folder.is_relative_to(mount[0])]
    return max(holding, key=lambda mount: len(mount[0]))[1] == "tmpfs"


def _available_memory() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return sys.maxsize
