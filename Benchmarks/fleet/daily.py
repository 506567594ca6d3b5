"""Hosts that are pushed to every day: all slots of every ring hold a release, and the next one is about to come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import releases
from bench import Bench, Contender
from contenders import Push, Rsync, SlotSync
from programs import ProgramFailed


class DailyFleet:
    """The same hosts for both contenders, with `live` on all of them; `new` is next.

    The other slots hold releases that differ slightly from the live one. Before a round all are pushed again, and rsync's
    copies are brought back to `live` by rsync: no trace of an earlier round helps or hinders the one measured. Both
    folders lie in `folder`, which is on the tmpfs.
    """

    def __init__(
        self, bench: Bench, folder: Path, hosts: Sequence[str], live: Path, new: Path, *, slots: int,
        shell: str | None = None,
    ) -> None:
        self.slotsync = SlotSync(bench.command, bench.agent, folder, hosts, slots, shell)
        self.rsync = Rsync(folder, hosts, shell)
        self.live, self.new = live, new
        self._past = Past(self.slotsync, live, folder / "past")
        self._past.push()
        self.slotsync.keep_cache()

    def stage(self, hosts: Sequence[str] | None = None, watch_memory: bool = False) -> Contender[Push]:
        """The new release is staged, by a controller that pushed the releases before it."""

        def prepare() -> None:
            self._past.bring_back(self.new, hosts)
            self.slotsync.bring_back_cache()
            releases.touch(self.new)

        return Contender(prepare, same_work(lambda: self.slotsync.stage(self.new, hosts, watch_memory)))

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


class Past:
    """The releases that fill a ring before a new one comes: variants of `live`, the oldest first, and `live`."""

    def __init__(self, slotsync: SlotSync, live: Path, folder: Path) -> None:
        folder.mkdir()
        self._slotsync = slotsync
        self._releases = [releases.older(live, folder / f"{age}", age) for age in range(slotsync.slots - 1, 0, -1)]
        self._releases.append(live)

    def push(self, hosts: Sequence[str] | None = None) -> None:
        for release in self._releases:
            self._slotsync.push(release, hosts)

    def bring_back(self, new: Path, hosts: Sequence[str] | None = None) -> None:
        """Takes `new` out of the ring: it goes live, and its slot is filled again when its turn comes."""
        self._slotsync.push(new, hosts)
        self.push(hosts)


def same_work(timed: Callable[[], Push]) -> Callable[[], Push]:
    """The same; it fails where a round brings much more or less to the hosts than the first one."""
    first: list[int] = []

    def checked() -> Push:
        push = timed()
        first.append(push.bytes)
        if not first[0] / 2 <= push.bytes <= first[0] * 2:
            raise ProgramFailed(f"one round sent {first[0]} bytes, and one {push.bytes}: they are not the same work")
        return push

    return checked


def need(size: int, hosts: int, slots: int) -> int:
    """The memory that a daily fleet takes, about: the slots, rsync's copy, the past, and three copies as sources."""
    return size * (hosts * (slots + 1) + slots + 3)
