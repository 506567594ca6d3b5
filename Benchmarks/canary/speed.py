"""How long `slotsync judge` takes for 1,500 pushes of up to 300 hosts, and how much memory."""

from __future__ import annotations

import os
import subprocess
import time
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any

import recordings
from judges import JudgeFailed
from noise import USUAL

PUSHES = 1500


def measure(command: Path, folder: Path, pool: Pool, pushes: int) -> dict[str, Any]:
    """The best of three runs; a file that was just written is read from memory."""
    file = folder / "speed.jsonl"
    parts = pool.map(recordings.lines, [
        (USUAL, "tune", index % 2 == 1, range(index, index + 1)) for index in range(pushes)], chunksize=16)
    with file.open("w") as whole:
        whole.writelines(parts)
    runs = [_run(command, file) for _ in range(3)]
    megabytes = file.stat().st_size / 1e6
    file.unlink()
    seconds, cpu, memory = min(runs)
    return {
        "pushes": pushes, "megabytes": round(megabytes, 1), "seconds": round(seconds, 3), "cpu_seconds": round(cpu, 3),
        "memory_mb": round(memory, 1), "cores": os.cpu_count()}


def _run(command: Path, file: Path) -> tuple[float, float, float]:
    """Seconds, seconds of CPU, and the peak of memory in MB."""
    start = time.monotonic()
    child = subprocess.Popen([command, "judge", file], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise JudgeFailed(f"{command} judge {file} ended with {child.returncode}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e3
