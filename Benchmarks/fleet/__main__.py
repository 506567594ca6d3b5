"""SlotSync beside rsync on the same work: `make benchmark` runs this.

It prints a table and keeps the results; docs/performance.md says what is measured and how.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import documents
import report
import rows_alone
import rows_fleet
import rows_pair
from bench import Bench, TooLittleRoom
from programs import ProgramFailed
from report import Point, Row

SCENARIOS: dict[str, Callable[[Bench], Iterator[Row | Point]]] = {
    "start": rows_alone.start,
    "one-host": rows_pair.one_host,
    "cold": rows_pair.cold,
    "images": rows_pair.images,
    "image": rows_pair.image,
    "delta": rows_alone.delta,
    "bytes": rows_pair.transferred,
    "bundles": rows_pair.renamed_bundles,
    "fleet-32": rows_pair.fleet_of_32,
    "fleet-64": rows_pair.fleet_of_64,
    "cohorts": rows_fleet.cohorts,
    "ssh": rows_fleet.over_ssh,
    "flip": rows_fleet.flip,
    "agent-memory": rows_alone.agent_memory,
    "controller-memory": rows_alone.controller_memory,
    "straight": rows_fleet.straight,
    "curve": rows_fleet.curve,
}

# Not among all rows: they want room that a tmpfs seldom has.
SCALE: dict[str, Callable[[Bench], Iterator[Row | Point]]] = {
    "big-file": rows_alone.big_file,
    "many-files": rows_alone.many_files,
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fleet", description=__doc__)
    parser.add_argument("--command", type=Path, required=True, help="the built slotsync")
    parser.add_argument("--agent", type=Path, required=True, help="the built slotsync-agent")
    parser.add_argument("--releases", type=Path, required=True, help="the folder with web-a and web-b")
    parser.add_argument("--output", type=Path, required=True, help="the folder for performance.json and .svg")
    parser.add_argument("--memory", type=Path, default=Path("/dev/shm"), help="a tmpfs (/dev/shm)")
    parser.add_argument("--rows", default="", help=f"some of: {' '.join(SCENARIOS)} (all), {' '.join(SCALE)}")
    parser.add_argument("--rounds", type=int, default=3, help="medians are of so many runs (3)")
    parser.add_argument("--quick", action="store_true", help="a trial: an eighth of the hosts, one round")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    chosen = options.rows.split() or list(SCENARIOS)
    scenarios = SCENARIOS | SCALE
    unknown = [name for name in chosen if name not in scenarios]
    if unknown:
        print(f"no such rows: {' '.join(unknown)}; there are {' '.join(scenarios)}", file=sys.stderr)
        return 64
    rounds = 1 if options.quick else options.rounds
    circumstances = report.circumstances(options.command, rounds)
    results: list[Row | Point] = []
    skipped: list[str] = []
    failed = False
    with tempfile.TemporaryDirectory(prefix="slotsync-benchmark.", dir=options.memory.resolve()) as memory:
        bench = Bench(
            options.command.resolve(), options.agent.resolve(), options.releases.resolve(), Path(memory), rounds,
            options.quick)
        for name in chosen:
            bench.say(f"{name} …")
            try:
                for result in scenarios[name](bench):
                    bench.say(f"  {result}")
                    results.append(result)
            except TooLittleRoom as reason:
                skipped.append(f"Skipped {name}: it {reason}.")
                bench.say(f"  skipped: it {reason}")
            except ProgramFailed as failure:
                bench.say(f"  failed: {failure}")
                failed = True
            if not options.quick:
                documents.keep(options.output, results, circumstances, list(scenarios))
    print(report.table([result for result in results if isinstance(result, Row)]), *skipped, sep="\n")
    return 1 if failed else 0


sys.exit(main())
