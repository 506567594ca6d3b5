"""Where figures are kept: canary-figures.json in a folder, and the tables in its canary-figures.md, between two marks."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import figures
from noise import NOISES

BEGIN = "<!-- begin of what make benchmark-canary writes -->"
END = "<!-- end of what make benchmark-canary writes -->"
PAGES = ("canary-figures.md", "canary.md")
"""Whichever of them has the marks."""


def keep(
    folder: Path, circumstances: dict[str, Any], rows: Sequence[dict[str, Any]], changes: Sequence[dict[str, Any]],
    speed: dict[str, Any] | None,
) -> str:
    """Writes the files anew and returns the text. What was not measured this time stays as it was."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "canary-figures.json"
    known: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    order = [noise.key for noise in NOISES]
    merged = {row["noise"]: row for row in known.get("noises", [])} | {row["noise"]: row for row in rows}
    all_rows = [merged[key] for key in order if key in merged]
    all_changes = list(changes) or known.get("changes", [])
    speed = speed or known.get("speed")
    whole = {**circumstances, "speed": speed, "noises": all_rows, "changes": all_changes}
    file.write_text(_json(whole))
    page_text = text(circumstances, all_rows, all_changes, speed)
    for page in (folder / name for name in PAGES):
        if page.exists() and BEGIN in page.read_text():
            pattern = re.compile(f"{BEGIN}.*{END}", re.S)
            page.write_text(pattern.sub(lambda _: f"{BEGIN}\n{page_text}\n{END}", page.read_text()))
    return page_text


def text(
    circumstances: dict[str, Any], rows: Sequence[dict[str, Any]], changes: Sequence[dict[str, Any]],
    speed: dict[str, Any] | None,
) -> str:
    sentence = (
        f"SlotSync {circumstances['slotsync']}; pushes of the set `{circumstances['set']}`, as many bad releases as "
        "good ones; rolled back are good releases, caught are bad ones.")
    tables = [
        figures.promise_table(figures.promises(rows, speed)), figures.noise_table(rows),
        figures.change_table(changes) if changes else ""]
    return "\n\n".join([sentence, *filter(None, tables)])


def _json(results: dict[str, Any]) -> str:
    """A line for each row, so that a change of one figure is a change of one line."""
    members = []
    for name, value in results.items():
        line = json.dumps(value, ensure_ascii=False)
        if isinstance(value, list):
            line = "[\n" + ",\n".join(f"    {json.dumps(each, ensure_ascii=False)}" for each in value) + "\n  ]"
        members.append(f'  "{name}": {line}')
    return "{\n" + ",\n".join(members) + "\n}\n"
