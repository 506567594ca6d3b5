"""Runs a program and says what it took: wall time, CPU of the process alone and with all its descendants, peak memory.

The process alone: between its end and its reaping, /proc/PID/stat holds the user and system time of all its threads
without its children's (a clock tick, 10 ms, is the grain). Peaks are VmHWM, read every few milliseconds while it runs:
the kernel keeps it as a high-water mark of the program itself, whereas wait4's ru_maxrss counts what the process
inherited from this one before it became the program, and all descendants.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
WATCH_INTERVAL = 0.002


@dataclass(frozen=True)
class Run:
    """What one run took: seconds, and bytes where memory was watched."""

    seconds: float
    own_cpu: float
    all_cpu: float
    output: str
    peak: int = 0
    children_peak: int = 0


class ProgramFailed(Exception):
    """A program ended otherwise than it should; the text has the command and the end of what it said."""


def run(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    watch_memory: bool = False,
) -> Run:
    """Runs `command` to its end; its output and errors go to one file, so that nobody has to read meanwhile."""
    words = [str(word) for word in command]
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder,
            env={**os.environ, **(environment or {})})
        peak, children_peak = _watch(process.pid) if watch_memory else (0, 0)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        seconds = time.perf_counter() - started
        own_cpu = _own_cpu(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode != 0:
        raise ProgramFailed(f"{' '.join(words)}\nended with {process.returncode}:\n{text[-2000:]}")
    return Run(seconds, own_cpu, usage.ru_utime + usage.ru_stime, text, peak, children_peak)


def _own_cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def _watch(pid: int) -> tuple[int, int]:
    """The peaks of the process and of the largest of its children, in bytes, read until it ends."""
    peak = children_peak = 0
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        peak = max(peak, _high_water_mark(pid))
        for child in _children(pid):
            children_peak = max(children_peak, _high_water_mark(child))
        time.sleep(WATCH_INTERVAL)
    return peak, children_peak


def _high_water_mark(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


def _children(pid: int) -> list[int]:
    """Those that have become a program of their own: until then, a child has its parent's memory."""
    children: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += [int(word) for word in (task / "children").read_text().split()]
        own = os.readlink(f"/proc/{pid}/exe")
        return [child for child in children if os.readlink(f"/proc/{child}/exe") != own]
    except (FileNotFoundError, ProcessLookupError):
        return []
