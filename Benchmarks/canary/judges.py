"""Who judges: the built `slotsync judge`, and the reference where it was asked for."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any


class JudgeFailed(Exception):
    """A judge did not say a verdict for each push."""


@dataclass(frozen=True)
class Said:
    """What a judge said of one push."""

    verdict: str
    regressed: tuple[str, ...]
    """The metrics that it named."""
    seconds: float | None = None
    """When a look found the regression."""


def slotsync(command: Path, file: Path, looks: bool) -> list[Said]:
    """What the command says of each line of the file."""
    options = ["--looks"] if looks else []
    run = subprocess.run([command, "judge", *options, file], capture_output=True, text=True)
    if run.returncode != 0:
        raise JudgeFailed(f"{command} judge {file} ended with {run.returncode}: {run.stderr[-2000:]}")
    said = [json.loads(line) for line in run.stdout.splitlines()]
    return [
        Said(
            one["verdict"], tuple(metric["name"] for metric in one["metrics"] if metric["verdict"] == "regression"),
            one.get("seconds"))
        for one in said]


class Reference:
    """reference_judge.py, which knows no missing samples and no counter that is worse when lower."""

    def __init__(self, path: Path) -> None:
        self.module = _module(path)

    def judge(self, recordings: Sequence[dict[str, Any]], looks: bool) -> list[Said]:
        return [self._looks(each) if looks else self._whole(each) for each in recordings]

    def _whole(self, recording: dict[str, Any]) -> Said:
        return _said(*self.module.judge_case(recording))

    def _looks(self, recording: dict[str, Any]) -> Said:
        last = max(len(samples) for host in recording["hosts"].values() for samples in host["after"].values())
        for samples in range(3, last + 1):
            said = _said(*self.module.judge_looks(recording, samples, last))
            if said.verdict == "regression":
                return Said(said.verdict, said.regressed, samples * recording.get("interval_s", 5.0))
        return said


def _said(verdict: str, metrics: dict[str, dict[str, Any]]) -> Said:
    return Said(verdict, tuple(name for name, metric in metrics.items() if metric["regressed"]))


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_judge", path)
    if spec is None or spec.loader is None:
        raise JudgeFailed(f"cannot read the reference judge {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
