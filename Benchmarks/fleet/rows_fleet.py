"""Rows of many hosts: those that are not all alike, those behind ssh, the flip, and cost against their number."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import releases
from bench import Bench, Contender
from contenders import Push, SlotSync, seconds
from daily import DailyFleet, Past, need, same_work
from programs import run
from report import Point, Row, at_most, compared, faster, number
from sshd import SSHServer

COHORTS = 8
SLOTS = 5
FILES_OF_A_SMALL_RELEASE = 400


def cohorts(bench: Bench) -> Iterator[Row]:
    """Sixteen hosts with five slots, of which every pair missed another push, against as many that all missed one."""
    hosts = [f"h{number:03}" for number in range(1, 17)]
    copies = 2 * len(hosts) * SLOTS + (COHORTS + 1) * SLOTS + 6
    with bench.workspace("cohorts", bench.pair_size(("wagtail",)) * copies) as folder:
        live, new = bench.pair(folder, ("wagtail",))

        def fleet(name: str, missed: dict[int, list[str]]) -> Contender[Push]:
            (folder / name).mkdir()
            slotsync = SlotSync(bench.command, bench.agent, folder / name, hosts, SLOTS)
            pasts: list[tuple[Past, list[str]]] = []
            for push, members in missed.items():
                lacking = _lacking(push, live, folder / name / f"live-{push}")
                past = Past(slotsync, lacking, folder / name / f"past-{push}")
                past.push(members)
                pasts.append((past, members))
            slotsync.keep_cache()

            def prepare() -> None:
                for past, members in pasts:
                    past.bring_back(new, members)
                slotsync.bring_back_cache()
                releases.touch(new)

            return Contender(prepare, same_work(lambda: slotsync.stage(new)))

        apart = fleet("apart", {push: hosts[2 * push : 2 * push + 2] for push in range(COHORTS)})
        alike = fleet("alike", {0: hosts})
        many, one = bench.alternate(apart, alike)
        yield compared(
            "cohorts", "16 hosts with five slots in 8 cohorts, against one cohort", 1.3,
            seconds(many), seconds(one), "s", "one cohort")


def _lacking(push: int, live: Path, target: Path) -> Path:
    """The live release of hosts that missed a push: a hundredth of its files are as they were before."""
    releases.copy(live, target)
    for file in releases.files(target)[push * 10 :: 100]:
        with file.open("ab") as stream:
            stream.write(b"\n# before push %d\n" % push)
    return target


def over_ssh(bench: Bench) -> Iterator[Row]:
    count, packages = len(bench.hosts(60)), ("django", "wagtail")
    hosts = [f"127.0.0.{number}" for number in range(1, count + 1)]
    with (
        bench.workspace("ssh", need(bench.pair_size(packages), count, 2)) as folder,
        SSHServer(folder / "sshd", hosts) as server,
    ):
        fleet = DailyFleet(bench, folder, hosts, *bench.pair(folder, packages), slots=2, shell=server.shell)
        ours, theirs = bench.alternate(fleet.stage(), fleet.copy(at_once=16))
        yield faster(
            "ssh-60",
            f"{count} loopback hosts over ssh, django and wagtail, against sixteen `rsync -az --delete` at once", 4,
            seconds(ours), seconds(theirs))
        ours, theirs = bench.alternate(*fleet.again(fresh_times=False, at_once=16))
        yield faster("ssh-60-again", "the same, nothing changed since", None, seconds(ours), seconds(theirs))
        logins = [_log_in(server.shell, hosts) for _ in range(bench.rounds)]
        yield at_most("ssh-60-login", "logging in to them, sixteen at once, and nothing else", None, "s", logins)


def _log_in(shell: str, hosts: list[str]) -> float:
    started = time.perf_counter()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda host: run([*shell.split(), host, "true"]), hosts))
    return time.perf_counter() - started


def flip(bench: Bench) -> Iterator[Row]:
    """From the first host's rename to the last one's, by the hosts' own clocks, which are one clock here."""
    hosts = bench.hosts(100)
    with bench.workspace("flip", 1 << 30) as folder:
        pair = [releases.made_up(folder / f"release-{seed}", 200, seed) for seed in (1, 2)]
        slotsync = SlotSync(bench.command, bench.agent, folder, hosts, 2)
        slotsync.push(pair[0])
        spans, walls = [], []
        for turn in range(max(bench.rounds, 5)):
            slotsync.stage(pair[1 - turn % 2])
            flipped = slotsync.flip()
            renames = [line["renamed_at"] for line in flipped.lines if line["event"] == "host"]
            spans.append((max(renames) - min(renames)) * 1000)
            walls.append(flipped.seconds)
        yield at_most("flip", f"flip over {len(hosts)} local hosts: last rename minus first", 20, "ms", spans)
        yield at_most("flip-time", "that flip from start to end, all checks included", None, "s", walls)


def curve(bench: Bench) -> Iterator[Point]:
    """Time and the sending machine's CPU against the number of hosts; always wagtail, so that points compare."""
    for count in (1, 4) if bench.quick else (1, 4, 16, 64, 128):
        hosts = [f"h{number:03}" for number in range(1, count + 1)]
        with bench.workspace("curve", need(bench.pair_size(("wagtail",)), count, 2)) as folder:
            fleet = DailyFleet(bench, folder, hosts, *bench.pair(folder, ("wagtail",)), slots=2)
            ours, theirs = bench.alternate(fleet.stage(), fleet.copy())
            yield Point(
                count, median(seconds(ours)), median(seconds(theirs)),
                median(push.run.own_cpu for push in ours), median(push.run.own_cpu for push in theirs))


def straight(bench: Bench) -> Iterator[Row]:
    """Whether a host costs more where there are more of them: a small release, so that 300 hosts have room."""
    rounds: dict[int, tuple[float, ...]] = {}
    for hosts in map(bench.hosts, (10, 30, 100, 300)):
        with bench.workspace("straight", need(FILES_OF_A_SMALL_RELEASE * 6500, len(hosts), 2)) as folder:
            live = releases.made_up(folder / "live", FILES_OF_A_SMALL_RELEASE)
            new = releases.copy(live, folder / "new")
            releases.change(new, 5)
            [pushes] = bench.alternate(DailyFleet(bench, folder, hosts, live, new, slots=2).stage())
            rounds[len(hosts)] = seconds(pushes)
            bench.say(f"  {len(hosts)} hosts: {number(median(rounds[len(hosts)]))} s")
    few, _, more, most = sorted(rounds)

    def each(hosts: int) -> list[float]:
        return [time / hosts * 1000 for time in rounds[hosts]]

    yield compared(
        "straight", f"time for each of {most} hosts, against each of {few}", 1,
        each(most), each(few), "ms", f"{few} hosts")

    def further(hosts: int, fewer: int) -> list[float]:
        return [(time - median(rounds[fewer])) / (hosts - fewer) * 1000 for time in rounds[hosts]]

    yield compared(
        "straight-further", f"time for each host beyond {more}, against each beyond {few}", None,
        further(most, more), further(more, few), "ms", f"{few} to {more} hosts")
