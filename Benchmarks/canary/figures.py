"""What came out, counted: shares with their confidence intervals, the tables, and which budgets were met."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from operator import attrgetter
from typing import Any

from judges import Said
from noise import NOISES, USUAL

CAUGHT_AT_LEAST = 0.79
LOST_BY_LOOKS_AT_MOST = 0.01
SECONDS_AT_MOST = 23.0
SPEED_AT_MOST = 10.0


@dataclass(frozen=True)
class Outcome:
    """One push, and what the judges said of it."""

    noise: str
    change: str
    """Empty: a good release."""
    culprit: str | None
    canaries: int
    whole: Said | None
    """At the end of the window; None where the command was not asked."""
    looks: Said | None
    reference: Said | None
    reference_looks: Said | None


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    count: int
    of: int

    @property
    def value(self) -> float:
        return self.count / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval of 95 %: E. B. Wilson, JASA 22 (1927) 209."""
        if self.of == 0:
            return 0.0, 1.0
        z, p, n = 1.959964, self.value, self.of
        middle, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max((middle - half) / (1 + z * z / n), 0.0), min((middle + half) / (1 + z * z / n), 1.0)

    def __str__(self) -> str:
        return f"{100 * self.value:.2f} %" if self.value < 0.1 else f"{100 * self.value:.1f} %"

    @property
    def with_interval(self) -> str:
        low, high = self.interval
        return f"{self} ({100 * low:.2f} to {100 * high:.2f})"


Asked = Callable[[Outcome], Said | None]
WHOLE, LOOKS, REFERENCE, REFERENCE_LOOKS = map(attrgetter, ("whole", "looks", "reference", "reference_looks"))


def share(outcomes: Iterable[Outcome], asked: Asked, verdict: str = "regression") -> Share | None:
    """How many were told to be `verdict`; None: this judge was not asked."""
    said = [answer for outcome in outcomes if (answer := asked(outcome)) is not None]
    return Share(sum(answer.verdict == verdict for answer in said), len(said)) if said else None


def mean_seconds(outcomes: Iterable[Outcome], asked: Asked) -> float | None:
    """From the flip to the look that found the regression, over those that were found."""
    seconds = [
        answer.seconds for outcome in outcomes
        if (answer := asked(outcome)) is not None and answer.seconds is not None and answer.verdict == "regression"]
    return sum(seconds) / len(seconds) if seconds else None


def figures(outcomes: Sequence[Outcome], key: str, change: str | None = None) -> dict[str, Any]:
    """One row: all pushes of a noise, or those with one change, as JSON has it."""
    mine = [outcome for outcome in outcomes if outcome.noise == key]
    good = [outcome for outcome in mine if not outcome.change]
    bad = [outcome for outcome in mine if outcome.change and change in (None, outcome.change)]

    def both(asked: Asked) -> dict[str, Any]:
        false, caught = share(good, asked) if change is None else None, share(bad, asked)
        said = [(outcome, answer) for outcome in bad if (answer := asked(outcome)) and answer.verdict == "regression"]
        named = Share(sum(outcome.culprit in answer.regressed for outcome, answer in said), len(said))
        unsure = share(good, asked, "inconclusive") if change is None else share(bad, asked, "inconclusive")
        return {
            "false": _json(false), "caught": _json(caught), "named": _json(named) if said else None,
            "inconclusive": _json(unsure), "seconds": mean_seconds(bad, asked)}

    judges = {"whole": WHOLE, "looks": LOOKS, "reference": REFERENCE, "reference_looks": REFERENCE_LOOKS}
    return {
        "noise": key, **({} if change is None else {"change": change}),
        "judges": {name: both(asked) for name, asked in judges.items() if any(map(asked, mine))}}


def _json(value: Share | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {"share": round(value.value, 6), "interval": [round(bound, 6) for bound in value.interval], "of": value.of}


def _text(value: dict[str, Any] | None, with_interval: bool = False) -> str:
    if value is None:
        return ""
    known = Share(round(value["share"] * value["of"]), value["of"])
    return known.with_interval if with_interval else str(known)


def _met(is_met: bool | None) -> str:
    return {True: "met", False: "**missed**", None: ""}[is_met]


def noise_table(rows: Sequence[dict[str, Any]]) -> str:
    """A row for each noise."""
    lines = [
        "| noise | good pushes | rolled back (95 %) | budget | | caught | with looks: rolled back | caught | seconds "
        "| reference: rolled back | caught |",
        "| --- " * 11 + "|"]
    known = {noise.key: noise for noise in NOISES}
    for row in rows:
        noise, judges = known[row["noise"]], row["judges"]
        whole, looks, reference = (judges.get(name) or {} for name in ("whole", "looks", "reference"))
        false = whole.get("false")
        budget = "" if noise.budget is None else f"≤ {100 * noise.budget:.1f} %"
        is_met = None if noise.budget is None or false is None else false["share"] <= noise.budget
        seconds = looks.get("seconds")
        cells = [
            noise.what, str((false or reference.get("false") or {}).get("of", "")), _text(false, True), budget,
            _met(is_met), _text(whole.get("caught")), _text(looks.get("false")), _text(looks.get("caught")),
            "" if seconds is None else f"{seconds:.1f}", _text(reference.get("false")), _text(reference.get("caught"))]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def change_table(rows: Sequence[dict[str, Any]]) -> str:
    """A row for each regression of the usual noise."""
    lines = [
        "| regression | caught (95 %) | the right metric named | with looks: caught | seconds | reference: caught |",
        "| --- " * 6 + "|"]
    for row in rows:
        whole, looks, reference = (row["judges"].get(name) or {} for name in ("whole", "looks", "reference"))
        seconds = looks.get("seconds")
        cells = [
            row["change"], _text(whole.get("caught"), True), _text(whole.get("named")), _text(looks.get("caught")),
            "" if seconds is None else f"{seconds:.1f}", _text(reference.get("caught"))]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def promises(rows: Sequence[dict[str, Any]], speed: dict[str, Any] | None) -> list[tuple[str, str, str, bool]]:
    """What was promised beside false rollbacks: what, budget, measured, whether it was met."""
    known: list[tuple[str, str, str, bool]] = []
    usual = next((row["judges"] for row in rows if row["noise"] == USUAL.key), {})
    caught = (usual.get("whole") or {}).get("caught")
    if caught:
        known.append((
            "regressions caught, usual noise", f"≥ {100 * CAUGHT_AT_LEAST:.0f} %", _text(caught, True),
            caught["share"] >= CAUGHT_AT_LEAST))
    by_looks = (usual.get("looks") or {}).get("caught")
    if caught and by_looks:
        lost = caught["share"] - by_looks["share"]
        known.append((
            "of these, lost by looks", f"≤ {100 * LOST_BY_LOOKS_AT_MOST:.0f} point", f"{100 * lost:.2f} points",
            lost <= LOST_BY_LOOKS_AT_MOST))
    seconds = (usual.get("looks") or {}).get("seconds")
    if seconds is not None:
        known.append((
            "mean time until a bad release is found, usual noise", f"≤ {SECONDS_AT_MOST:.0f} s", f"{seconds:.1f} s",
            seconds <= SECONDS_AT_MOST))
    if speed:
        known.append((
            f"{speed['pushes']:,} pushes, {speed['megabytes']:.0f} MB, on {speed['cores']} cores",
            f"≤ {SPEED_AT_MOST:.0f} s",
            f"{speed['seconds']:.1f} s ({speed['cpu_seconds']:.1f} s of CPU, {speed['memory_mb']:.0f} MB of memory)",
            speed["seconds"] <= SPEED_AT_MOST))
    return known


def promise_table(known: Sequence[tuple[str, str, str, bool]]) -> str:
    if not known:
        return ""
    lines = ["| what | budget | measured | |", "| --- | --- | --- | --- |"]
    return "\n".join(lines + [f"| {what} | {budget} | {measured} | {_met(met)} |" for what, budget, measured, met in known])
