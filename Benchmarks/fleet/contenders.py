"""SlotSync and rsync as the benchmark uses them: each has hosts that are folders, and brings a release to all."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from programs import ProgramFailed, Run, run


@dataclass(frozen=True)
class Push:
    """A release brought to hosts: what it took, and the bytes of all sessions in both directions."""

    run: Run
    bytes: int = 0
    lines: tuple[dict[str, Any], ...] = ()

    @property
    def seconds(self) -> float:
        return self.run.seconds


def seconds(pushes: Sequence[Push]) -> tuple[float, ...]:
    """The wall time of each."""
    return tuple(push.seconds for push in pushes)


class SlotSync:
    """A ring on each host, over local sessions or over `shell`.

    The controller's cache is a folder of the run. `keep_cache` notes how it stands and `bring_back_cache` makes it so
    again: a timed stage shall not profit from its own earlier rounds.
    """

    def __init__(
        self, command: Path, agent: Path, folder: Path, hosts: Sequence[str], slots: int, shell: str | None = None,
        stage_options: Sequence[str] = ()
    ) -> None:
        self.command, self.folder, self.hosts = command, folder, list(hosts)
        self.cache = folder / "cache"
        self.slots = slots
        self._stage_options = ["--slots", str(slots), *stage_options]
        self._options = ["--remote-command", str(agent), "--root", f"{folder}/slotsync/{{host}}/www", "--json"]
        self._options += ["--rsh", shell] if shell else ["--transport", "local"]
        for host in hosts:
            self.root(host).mkdir(parents=True)

    def root(self, host: str) -> Path:
        return self.folder / "slotsync" / host / "www"

    def stage(self, release: Path, hosts: Sequence[str] | None = None, watch_memory: bool = False) -> Push:
        return self._run("stage", str(release), *self._stage_options, hosts=hosts, watch_memory=watch_memory)

    def flip(self, hosts: Sequence[str] | None = None) -> Push:
        return self._run("flip", hosts=hosts)

    def push(self, release: Path, hosts: Sequence[str] | None = None) -> None:
        self.stage(release, hosts)
        self.flip(hosts)

    def keep_cache(self) -> None:
        shutil.copytree(self.cache, self.folder / "cache-kept")

    def bring_back_cache(self) -> None:
        shutil.rmtree(self.cache)
        shutil.copytree(self.folder / "cache-kept", self.cache)

    def _run(
        self, verb: str, *words: str, hosts: Sequence[str] | None = None, watch_memory: bool = False
    ) -> Push:
        result = run(
            [self.command, verb, *words, "--hosts", ",".join(hosts or self.hosts), *self._options],
            environment={"XDG_CACHE_HOME": str(self.cache)}, folder=self.folder, watch_memory=watch_memory)
        lines = tuple(json.loads(line) for line in result.output.splitlines() if line.startswith("{"))
        summary = lines[-1]
        if summary["hosts"] != len(hosts or self.hosts) or summary["failed"] != 0:
            raise ProgramFailed(f"slotsync {verb}: not every host was reached:\n{result.output[-2000:]}")
        return Push(result, summary["sent_bytes"] + summary["received_bytes"], lines)


class Rsync:
    """A copy of the release on each host; many hosts as `xargs -P` does it, so many of them at a time."""

    def __init__(self, folder: Path, hosts: Sequence[str], shell: str | None = None) -> None:
        self.folder, self.hosts, self._shell = folder, list(hosts), shell
        for host in hosts:
            self.copy_on(host).mkdir(parents=True)

    def copy_on(self, host: str) -> Path:
        return self.folder / "rsync" / host

    def push(self, release: Path, options: Sequence[str] = ("-az", "--delete"), at_once: int = 8) -> Push:
        """Runs rsync for every host; the CPU that is the process's own is that of all senders together."""
        started = time.perf_counter()
        with ThreadPoolExecutor(at_once) as pool:
            runs = list(pool.map(lambda host: self._copy(release, host, options), self.hosts))
        seconds = time.perf_counter() - started
        total = Run(seconds, sum(each.own_cpu for each in runs), sum(each.all_cpu for each in runs), "")
        return Push(total, sum(_bytes_told(each.output) for each in runs))

    def _copy(self, release: Path, host: str, options: Sequence[str]) -> Run:
        target = f"{host}:{self.copy_on(host)}/" if self._shell else f"{self.copy_on(host)}/"
        shell = ["-e", self._shell] if self._shell else []
        return run(["rsync", *options, *shell, "--stats", f"{release}/", target])


def _bytes_told(statistics: str) -> int:
    """The sum of `Total bytes sent` and `Total bytes received` that rsync --stats tells."""
    return sum(int(number.replace(",", "")) for number in re.findall(r"^Total bytes \w+: ([\d,]+)", statistics, re.M))
