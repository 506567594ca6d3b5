"""Sets of pushes in files, a batch at a time: a whole set would take gigabytes."""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import judges
from figures import Outcome
from judges import Reference
from noise import Noise
from pushes import Push, push

BATCH = 250


@dataclass(frozen=True)
class Batch:
    """So many pushes of a noise, and who is to judge them."""

    noise: Noise
    chosen_set: str
    is_bad: bool
    indices: range
    folder: Path
    command: Path | None
    reference: Path | None
    reference_looks: bool


def batches(
    noise: Noise, chosen_set: str, pushes: int, folder: Path, command: Path | None, reference: Path | None,
    reference_looks: bool,
) -> Iterator[Batch]:
    """So many good pushes and as many bad ones."""
    for is_bad in (False, True):
        for start in range(0, pushes, BATCH):
            yield Batch(
                noise, chosen_set, is_bad, range(start, min(start + BATCH, pushes)), folder, command,
                reference if noise.knows_reference else None, reference_looks)


def lines(chosen: tuple[Noise, str, bool, Iterable[int]]) -> str:
    """The recordings of some pushes, one a line."""
    noise, chosen_set, is_bad, indices = chosen
    return "".join(_line(push(noise, chosen_set, index, is_bad)) for index in indices)


def outcomes(batch: Batch) -> list[Outcome]:
    """Makes the pushes of a batch and has them judged."""
    made = [push(batch.noise, batch.chosen_set, index, batch.is_bad) for index in batch.indices]
    nobody: list[judges.Said | None] = [None] * len(made)
    whole = looks = reference = reference_looks = nobody
    if batch.command is not None:
        with tempfile.NamedTemporaryFile("w", dir=batch.folder, suffix=".jsonl") as file:
            file.writelines(map(_line, made))
            file.flush()
            whole = judges.slotsync(batch.command, Path(file.name), looks=False)
            looks = judges.slotsync(batch.command, Path(file.name), looks=True)
    if batch.reference is not None:
        warnings.simplefilter("ignore")
        known = [each.recording for each in made]
        reference = _reference(batch.reference).judge(known, looks=False)
        if batch.reference_looks:
            reference_looks = _reference(batch.reference).judge(known, looks=True)
    return [
        Outcome(batch.noise.key, each.change, each.culprit, each.canaries, *said)
        for each, *said in zip(made, whole, looks, reference, reference_looks, strict=True)]


def _line(made: Push) -> str:
    return json.dumps(made.recording, ensure_ascii=False) + "\n"


@cache
def _reference(path: Path) -> Reference:
    return Reference(path)
