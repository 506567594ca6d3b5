"""Hosts that are pushed to every day: all slots of every ring hold a release, and the next one is about to come."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import releases
from bench import Bench, Contender
from contenders import Push, Rsync, SlotSync


class DailyFleet:
    """The same hosts for both contenders, with `live` on all of them; `new` is next.

    The next slot holds a release that differs slightly from the live one. Before a round it is staged there again, and
    rsync's copies are brought back to `live` by rsync: no trace of an earlier round helps or hinders the one measured.
    Both folders lie in `folder`, which is on the tmpfs.
    """

    def __init__(
        self, bench: Bench, folder: Path, hosts: Sequence[str], live: Path, new: Path, *, slots: int,
        shell: str | None = None,
    ) -> None:
        self.slotsync = SlotSync(bench.command, bench.agent, folder, hosts, slots, shell)
        self.rsync = Rsync(folder, hosts, shell)
        self.live, self.new = live, new
        self.oldest = releases.older(live, folder / "oldest", slots - 1)
        fill_rings(self.slotsync, self.oldest, live)
        self.slotsync.keep_cache()

    def stage(self, hosts: Sequence[str] | None = None, watch_memory: bool = False) -> Contender[Push]:
        """The new release is staged, by a controller that pushed the releases before it."""

        def prepare() -> None:
            self.slotsync.stage(self.oldest, hosts)
            self.slotsync.bring_back_cache()
            releases.touch(self.new)

        return Contender(prepare, lambda: self.slotsync.stage(self.new, hosts, watch_memory))

    def copy(self, options: Sequence[str] = ("-az", "--delete"), at_once: int = 8) -> Contender[Push]:
        """rsync copies the new release over the one before it."""

        def prepare() -> None:
            self.rsync.push(self.live, ["-a", "--delete"], at_once)
            releases.touch(self.new)

        return Contender(prepare, lambda: self.rsync.push(self.new, options, at_once))

    def again(self, *, fresh_times: bool, at_once: int = 8) -> tuple[Contender[Push], Contender[Push]]:
        """Both once more, where both have brought the new release before; with new modification times or without."""

        def prepare() -> None:
            if fresh_times:
                releases.touch(self.new)

        # The last to run brought it with times that the other has not seen.
        self.slotsync.stage(self.new)
        self.rsync.push(self.new, at_once=at_once)
        return (
            Contender(prepare, lambda: self.slotsync.stage(self.new)),
            Contender(prepare, lambda: self.rsync.push(self.new, at_once=at_once)))


def fill_rings(slotsync: SlotSync, oldest: Path, live: Path, hosts: Sequence[str] | None = None) -> None:
    """Pushes as many releases as there are slots: `oldest`, variants of `live`, `live`. Then `oldest` is in next."""
    slotsync.push(oldest, hosts)
    for age in range(slotsync.slots - 2, 0, -1):
        between = releases.older(live, slotsync.folder / "between", age)
        slotsync.push(between, hosts)
        shutil.rmtree(between)
    slotsync.push(live, hosts)


def need(size: int, hosts: int, slots: int) -> int:
    """The memory that a daily fleet takes, about: the slots, rsync's copy, and four copies as sources."""
    return size * (hosts * (slots + 1) + 4)
