"""Simulated pushes, judged by `slotsync judge`: `make benchmark-canary` runs this.

It prints false rollbacks, regressions caught and the time until they are, by noise; docs/canary-figures.md says how the
pushes are made. With --write it leaves the recordings in a folder instead, to look at or to tune a judge with.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import documents
import figures
import recordings
import speed
from judges import JudgeFailed
from noise import NOISES, USUAL
from pushes import SETS

PUSHES = 9000
"""Good and bad ones each, of the usual noise; a third of that of the others."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="canary", description=__doc__)
    parser.add_argument("--command", type=Path, help="the built slotsync; without it, only the reference judges")
    parser.add_argument("--reference", type=Path, help="reference_judge.py, to be asked beside it (needs scipy)")
    parser.add_argument("--reference-looks", action="store_true", help="ask it look by look, too: slow")
    parser.add_argument("--output", type=Path, required=True, help="the folder for canary-figures.json")
    parser.add_argument("--write", type=Path, help="write the recordings into this folder, and judge nothing")
    parser.add_argument("--memory", type=Path, default=Path("/dev/shm"), help="where recordings stand meanwhile")
    parser.add_argument("--rows", default="", help=f"some of: {' '.join(noise.key for noise in NOISES)} speed (all)")
    parser.add_argument("--set", choices=SETS, default="check", help="`tune` is for tuning a judge (check)")
    parser.add_argument("--pushes", type=int, default=PUSHES, help=f"of the usual noise, good and bad each ({PUSHES})")
    parser.add_argument("--quick", action="store_true", help="a trial: a tenth of the pushes, nothing kept")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    chosen = options.rows.split() or [noise.key for noise in NOISES] + ["speed"]
    unknown = set(chosen) - {noise.key for noise in NOISES} - {"speed"}
    if unknown:
        print(f"no such rows: {' '.join(sorted(unknown))}", file=sys.stderr)
        return 64
    if options.command is None and options.reference is None and options.write is None:
        print("nobody to judge: give --command or --reference", file=sys.stderr)
        return 64
    pushes = max(options.pushes // 10, 1) if options.quick else options.pushes
    noises = [noise for noise in NOISES if noise.key in chosen]
    counts = {noise.key: pushes if noise == USUAL else max(pushes // 3, 1) for noise in noises}
    measured_speed = None
    with Pool() as pool, tempfile.TemporaryDirectory(prefix="slotsync-canary.", dir=options.memory) as folder:
        if options.write is not None:
            options.write.mkdir(parents=True, exist_ok=True)
            for noise in noises:
                for is_bad, name in ((False, "good"), (True, "bad")):
                    file = options.write / f"{noise.key}-{options.set}-{name}.jsonl"
                    parts = [(noise, options.set, is_bad, [index]) for index in range(counts[noise.key])]
                    with file.open("w") as whole:
                        whole.writelines(pool.imap(recordings.lines, parts, chunksize=16))
            return 0
        if "speed" in chosen and options.command is not None:
            measured_speed = speed.measure(
                options.command, Path(folder), pool, speed.PUSHES // 10 if options.quick else speed.PUSHES)
            say(f"speed: {measured_speed['seconds']} s for {measured_speed['megabytes']} MB")
        circumstances = {"slotsync": version(options.command), "set": options.set, "pushes": pushes}
        rows: list[dict[str, Any]] = []
        changes: list[dict[str, Any]] = []
        for noise in noises:
            start = time.monotonic()
            outcomes: list[figures.Outcome] = []
            work = recordings.batches(
                noise, options.set, counts[noise.key], Path(folder), options.command, options.reference,
                options.reference_looks)
            for done in pool.imap_unordered(recordings.outcomes, work):
                outcomes += done
            rows.append(figures.figures(outcomes, noise.key))
            if noise == USUAL:
                changes = [
                    figures.figures(outcomes, noise.key, f"{kind} × {size:.3g}")
                    for kind, sizes in noise.sizes.items() for size in sizes]
            say(f"{noise.key}: {time.monotonic() - start:.0f} s")
            say(figures.noise_table(rows[-1:]).splitlines()[-1])
            # At once, for a run that is interrupted later has measured this.
            if not options.quick:
                documents.keep(options.output, circumstances, rows, changes, measured_speed)
    if options.quick:
        print(documents.text(circumstances, rows, changes, measured_speed))
    else:
        print(documents.keep(options.output, circumstances, rows, changes, measured_speed))
    return 0


def version(command: Path | None) -> str:
    if command is None:
        return "(not asked)"
    run = subprocess.run([command, "--version"], capture_output=True, text=True)
    if run.returncode != 0:
        raise JudgeFailed(f"{command} --version ended with {run.returncode}: {run.stderr}")
    return run.stdout.split()[1]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


try:
    code = main()
except JudgeFailed as failure:
    say(str(failure))
    code = 1
sys.exit(code)
