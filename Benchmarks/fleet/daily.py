"""Hosts that are pushed to every day: all slots of every ring hold a release, and the next one is about to come."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import releases
from bench import Bench, Contender
from contenders import Push, Rsync, SlotSync


class DailyFleet:
    """The same hosts for both contenders, with web-a live; web-b, or the named packages of it, is next.

    The next slot holds a release that differs slightly from the live one. Before a round it is staged there again, and
    rsync's copies are brought back to web-a by rsync: no trace of an earlier round helps or hinders the one measured.
    """

    def __init__(
        self, bench: Bench, folder: Path, hosts: Sequence[str], *, slots: int, packages: tuple[str, ...] = (),
        shell: str | None = None,
    ) -> None:
        self.slotsync = SlotSync(bench.command, bench.agent, folder, hosts, slots, shell)
        self.rsync = Rsync(folder, hosts, shell)
        self.live = releases.copy(bench.live, folder / "live", packages)
        self.new = releases.copy(bench.new, folder / "new", packages)
        self.oldest = releases.older(self.live, folder / "oldest", slots - 1)
        self.slotsync.push(self.oldest)
        for age in range(slots - 2, 0, -1):
            between = releases.older(self.live, folder / "between", age)
            self.slotsync.push(between)
            shutil.rmtree(between)
        self.slotsync.push(self.live)
        self.slotsync.keep_cache()
        self.rsync.push(self.live, ["-a"])

    @staticmethod
    def need(bench: Bench, hosts: int, slots: int, packages: tuple[str, ...] = ()) -> int:
        """The memory that all of it takes, about."""
        folders = [bench.new / package for package in packages] or [bench.new]
        return sum(map(releases.size_in_memory, folders)) * (hosts * (slots + 1) + 4)

    def stage(self, hosts: Sequence[str] | None = None) -> Contender[Push]:
        """The new release is staged, by a controller that pushed the releases before it."""

        def prepare() -> None:
            self.slotsync.stage(self.oldest, hosts)
            self.slotsync.bring_back_cache()
            releases.touch(self.new)

        return Contender(prepare, lambda: self.slotsync.stage(self.new, hosts))

    def copy(self, options: Sequence[str] = ("-az", "--delete"), at_once: int = 8) -> Contender[Push]:
        """rsync copies the new release over the one before it."""

        def prepare() -> None:
            self.rsync.push(self.live, ["-a", "--delete"], at_once)
            releases.touch(self.new)

        return Contender(prepare, lambda: self.rsync.push(self.new, options, at_once))

    def again(self, fresh_times: bool) -> tuple[Contender[Push], Contender[Push]]:
        """Both once more, where both have brought the new release before; with new modification times or without."""

        def prepare() -> None:
            if fresh_times:
                releases.touch(self.new)

        return (
            Contender(prepare, lambda: self.slotsync.stage(self.new)),
            Contender(prepare, lambda: self.rsync.push(self.new)))
