"""Where results are kept: performance.json and performance.svg in a folder, and the table in its performance.md."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from plot import plot
from report import Point, Row, as_json, from_json, table

BEGIN, END = "<!-- begin of what make benchmark writes -->", "<!-- end of what make benchmark writes -->"


def keep(
    folder: Path, results: Sequence[Row | Point], circumstances: dict[str, Any], order: Sequence[str]
) -> None:
    """Writes all files anew. Rows that were not measured this time stay as they are.

    `order` has the scenarios in the order of the table; a row's key begins with the name of its scenario.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "performance.json"
    known = json.loads(file.read_text()) if file.exists() else {"rows": [], "curve": []}
    rows = {row["row"]: row for row in known["rows"]}
    rows |= {row.key: as_json(row) for row in results if isinstance(row, Row)}
    keys = sorted(rows, key=lambda key: [key.startswith(name) for name in order].index(True))
    rows = {key: rows[key] for key in keys}
    curve = {point["hosts"]: point for point in known["curve"]}
    curve |= {
        point.hosts: {name: round(value, 3) for name, value in asdict(point).items()}
        for point in results if isinstance(point, Point)}
    ascending = [curve[hosts] for hosts in sorted(curve)]
    file.write_text(_json({**circumstances, "rows": list(rows.values()), "curve": ascending}))
    if ascending:
        (folder / "performance.svg").write_text(plot([Point(**point) for point in ascending]))
    page = folder / "performance.md"
    if page.exists():
        text = f"{_sentence(circumstances)}\n\n{table([from_json(row) for row in rows.values()])}"
        pattern = re.compile(f"{BEGIN}.*{END}", re.S)
        page.write_text(pattern.sub(lambda _: f"{BEGIN}\n{text}\n{END}", page.read_text()))


def _json(results: dict[str, Any]) -> str:
    """A line for each row, so that a change of one figure is a change of one line."""
    members = []
    for name, value in results.items():
        text = json.dumps(value, ensure_ascii=False)
        if isinstance(value, list):
            text = "[\n" + ",\n".join(f"    {json.dumps(each, ensure_ascii=False)}" for each in value) + "\n  ]"
        members.append(f'  "{name}": {text}')
    return "{\n" + ",\n".join(members) + "\n}\n"


def _sentence(circumstances: dict[str, Any]) -> str:
    machine, programs = circumstances["machine"], circumstances["programs"]
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, Linux {machine['kernel']}; "
        f"SlotSync {programs['slotsync']}, rsync {programs['rsync']}; medians of {circumstances['rounds']} rounds.")
