"""SlotSync beside rsync on the same work: `make benchmark` runs this. It prints a table; docs/performance.md says what is
measured and how."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import report
import rows_pair
from bench import Bench, TooLittleRoom
from report import Row

SCENARIOS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "one-host": rows_pair.one_host,
    "cold": rows_pair.cold,
    "bytes": rows_pair.transferred,
    "fleet-32": rows_pair.fleet_of_32,
    "fleet-64": rows_pair.fleet_of_64,
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fleet", description=__doc__)
    parser.add_argument("--command", type=Path, required=True, help="the built slotsync")
    parser.add_argument("--agent", type=Path, required=True, help="the built slotsync-agent")
    parser.add_argument("--releases", type=Path, required=True, help="the folder with web-a and web-b")
    parser.add_argument("--memory", type=Path, default=Path("/dev/shm"), help="a folder on a tmpfs")
    parser.add_argument("--rows", default="", help=f"some of: {' '.join(SCENARIOS)} (all)")
    parser.add_argument("--rounds", type=int, default=3, help="medians are of so many runs (3)")
    parser.add_argument("--quick", action="store_true", help="a trial: an eighth of the hosts, one round")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    chosen = options.rows.split() or list(SCENARIOS)
    unknown = [name for name in chosen if name not in SCENARIOS]
    if unknown:
        print(f"no such rows: {' '.join(unknown)}; there are {' '.join(SCENARIOS)}", file=sys.stderr)
        return 64
    memory = options.memory / "slotsync-benchmark"
    shutil.rmtree(memory, ignore_errors=True)
    bench = Bench(
        options.command.resolve(), options.agent.resolve(), options.releases.resolve(), memory,
        1 if options.quick else options.rounds, options.quick)
    memory.mkdir()
    measured: list[Row] = []
    try:
        for name in chosen:
            bench.say(f"{name} …")
            try:
                for row in SCENARIOS[name](bench):
                    bench.say(f"  {row.what}: {report.number(row.measured)} {row.unit}")
                    measured.append(row)
            except TooLittleRoom as reason:
                bench.say(f"  skipped: {reason}")
    finally:
        shutil.rmtree(memory)
    print(report.table(measured))
    return 0


sys.exit(main())
