"""The plot of docs/performance.md, drawn by hand as SVG: it follows the reader's light or dark surroundings."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from report import Point, number

WIDTH, HEIGHT = 860, 380
PANEL_WIDTH, PANEL_HEIGHT, TOP = 290, 240, 82
NARROWEST_LABEL = 22
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #57606a }
.title { font-size: 15px; font-weight: 600; fill: #1f2328 }
.grid { stroke: #d0d7de; stroke-width: 1 }
.axis { stroke: #57606a; stroke-width: 1 }
.line { fill: none; stroke-width: 2.5; stroke-linejoin: round }
.label { font-weight: 600 }
.slotsync { stroke: #0969da } .slotsync.dot, .slotsync.label { fill: #0969da; stroke: none }
.rsync { stroke: #bc4c00 } .rsync.dot, .rsync.label { fill: #bc4c00; stroke: none }
@media (prefers-color-scheme: dark) {
  text { fill: #9198a1 } .title { fill: #f0f6fc } .grid { stroke: #3d444d } .axis { stroke: #9198a1 }
  .slotsync { stroke: #58a6ff } .slotsync.dot, .slotsync.label { fill: #58a6ff }
  .rsync { stroke: #f0883e } .rsync.dot, .rsync.label { fill: #f0883e }
}
"""


@dataclass(frozen=True)
class Panel:
    """Seconds over the number of hosts; both axes linear and from zero, so that a slope is the cost of a host."""

    left: int
    title: str
    hosts: Sequence[int]
    lines: Sequence[tuple[str, str, Sequence[float]]]
    """Class, label and seconds of each."""

    def draw(self) -> str:
        step, top = _steps(max(max(seconds) for _, _, seconds in self.lines))
        most = self.hosts[-1]

        def place(hosts: float, seconds: float) -> tuple[float, float]:
            return self.left + hosts / most * PANEL_WIDTH, TOP + PANEL_HEIGHT * (1 - seconds / top)

        parts = [f'<text class="title" x="{self.left - 34}" y="52">{self.title}</text>']
        for index in range(round(top / step) + 1):
            _, y = place(0, index * step)
            parts.append(
                f'<line class="{"grid" if index else "axis"}" x1="{self.left}" x2="{self.left + PANEL_WIDTH}" '
                f'y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(f'<text x="{self.left - 8}" y="{y + 4:.1f}" text-anchor="end">{index * step:g}</text>')
        parts.append(f'<text x="{self.left - 34}" y="{TOP - 12}">seconds</text>')
        labelled = 0.0
        for hosts in self.hosts:
            x, y = place(hosts, 0)
            parts.append(f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{y + 5}"/>')
            if x - labelled >= NARROWEST_LABEL:
                parts.append(f'<text x="{x:.1f}" y="{y + 20}" text-anchor="middle">{hosts}</text>')
                labelled = x
        parts.append(
            f'<text x="{self.left + PANEL_WIDTH / 2}" y="{TOP + PANEL_HEIGHT + 42}" text-anchor="middle">hosts</text>')
        for kind, label, seconds in self.lines:
            places = [place(hosts, value) for hosts, value in zip(self.hosts, seconds)]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            parts.append(f'<polyline class="line {kind}" points="{path}"/>')
            parts += [f'<circle class="{kind} dot" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in places]
            x, y = places[-1]
            parts.append(f'<text class="label {kind}" x="{x + 9:.1f}" y="{y - 12:.1f}">{label}</text>')
            parts.append(f'<text x="{x + 9:.1f}" y="{y + 4:.1f}">{number(seconds[-1])} s</text>')
        return "\n".join(parts)


def plot(points: Sequence[Point]) -> str:
    """SVG text. `points` ascend by the number of hosts."""

    def panel(left: int, title: str, ours: Callable[[Point], float], theirs: Callable[[Point], float]) -> str:
        lines = [("rsync", "rsync", [theirs(point) for point in points])]
        lines.append(("slotsync", "SlotSync", [ours(point) for point in points]))
        return Panel(left, title, [point.hosts for point in points], lines).draw()

    wall = panel(54, "Until all hosts have the release", lambda p: p.slotsync, lambda p: p.rsync)
    cpu = panel(484, "CPU of the sending side", lambda p: p.slotsync_cpu, lambda p: p.rsync_cpu)
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" \
aria-label="Time and CPU of a push against the number of hosts, SlotSync and rsync">
<style>{STYLE}</style>
<text x="20" y="22">A changed release (wagtail) goes to hosts on one machine; eight rsync at once</text>
{wall}
{cpu}
</svg>
"""


def _steps(most: float) -> tuple[float, float]:
    """The distance of grid lines and the end of an axis that has to reach `most`: four to eight steps of 1, 2 or 5."""
    rough = most / 5
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return step, math.ceil(most / step) * step
